import type { Request as ExpressRequest, Response as ExpressResponse } from 'express';

import type { CurrentUser } from './current-user.ts';
import type { Access, Request, Route } from './endpoint.ts';
import { parsePart, parseQuery, parseRequest, type ParsedRequest } from './parse-request.ts';
import { userDeleted, Problem, unauthenticated } from './problems.ts';
import type { CachedResponse, ResponseCache } from './response-cache.ts';
import { etagOf, sendAnswer, sendShared, serialize, type RequestInfo } from './response.ts';
import type { TokenVerifier } from './tokens.ts';

/** What the routes of one service need before and after their handlers. */
export type Edge = {
  verifier: TokenVerifier;
  /** Whether the user exists and was not deleted: an access token stays valid for minutes after its user was deleted. */
  isActiveUser: (userId: number) => Promise<boolean>;
  cache: ResponseCache;
};

/**
 * One request, in this order: sign-in, active user, role, body, validation, handler, response. The path
 * and the method matched already, so an unknown path is 404 before sign-in is checked.
 */
export const answerRequest = async (
  edge: Edge,
  route: Route,
  req: ExpressRequest,
  res: ExpressResponse,
  info: RequestInfo,
): Promise<void> => {
  const { endpoint } = route;
  if (endpoint.shared === true) {
    sendShared(req, res, info, await edge.cache.get(req.originalUrl, () => loadShared(route, req)));
    return;
  }
  const currentUser = await authorize(
    edge,
    endpoint.access,
    endpoint.checksUserItself === true,
    req,
  );
  let parts: ParsedRequest;
  try {
    parts = await parseRequest(route, req, res, currentUser);
  } catch (error) {
    // The handler, which would check the user, is not called: a deleted user is 401 here too.
    if (endpoint.checksUserItself === true) await requireActiveUser(edge, currentUser);
    throw error;
  }
  const isRead = endpoint.method === 'get';
  try {
    const answer = await route.handle({
      ...parts,
      currentUser,
      address: info.address,
      requestId: info.requestId,
      isGone: () => res.destroyed,
    } as Request);
    sendAnswer(req, res, info, endpoint, answer);
  } finally {
    // A client must read its own writes. After a failure too: a lost COMMIT may have taken effect.
    if (!isRead) edge.cache.clear();
  }
};

/** A public read for the cache. It depends on the path and the query only, not on the user. */
const loadShared = async (route: Route, req: ExpressRequest): Promise<CachedResponse> => {
  const answer = await route.handle({
    params: parsePart(route.endpoint.params, req.params),
    query: parseQuery(route.endpoint.query, req),
    body: undefined,
    currentUser: undefined,
    idempotency: undefined,
    precondition: undefined,
    address: '',
    requestId: '',
    isGone: () => false,
  } as unknown as Request);
  const json = serialize(answer);
  return { json, etag: etagOf(json), immutable: route.endpoint.immutable === true };
};

const authorize = async (
  edge: Edge,
  access: Access,
  checksUserItself: boolean,
  req: ExpressRequest,
): Promise<CurrentUser | undefined> => {
  if (access === 'public') return undefined;
  const token = /^Bearer ([\w.~+/=-]{1,4096})$/i.exec(req.headers.authorization ?? '')?.[1];
  if (token === undefined) throw unauthenticated('Send an access token as Authorization: Bearer.');
  const currentUser = await edge.verifier.verify(token);
  // Before the role: the token of a deleted user is 401 on every endpoint.
  if (!checksUserItself) await requireActiveUser(edge, currentUser);
  if (!mayCall(access, currentUser)) {
    throw new Problem('forbidden', { detail: `This request needs the role ${access}.` });
  }
  return currentUser;
};

const requireActiveUser = async (
  edge: Edge,
  currentUser: CurrentUser | undefined,
): Promise<void> => {
  if (currentUser !== undefined && !(await edge.isActiveUser(currentUser.userId)))
    throw userDeleted();
};

const mayCall = (access: Access, currentUser: CurrentUser): boolean => {
  if (access === 'admin') return currentUser.role === 'admin';
  if (access === 'staff') return currentUser.role !== 'customer';
  return true;
};
