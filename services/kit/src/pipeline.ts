import type { Request as ExpressRequest, Response as ExpressResponse } from 'express';
import type { z } from 'zod';

import type { Access, CurrentUser, IdempotentRequest, Request, Route } from './endpoint.ts';
import { hashRequest } from './idempotency.ts';
import { userDeleted, invalid, Problem, signInFirst, type FieldError } from './problems.ts';
import { readBody } from './request-body.ts';
import { etagOf, sendAnswer, sendShared, serialise, type RequestInfo } from './response.ts';
import type { CachedResponse, ResponseCache } from './response-cache.ts';
import type { TokenVerifier } from './tokens.ts';

/** What the routes of one service need at the edge. */
export type Edge = {
  verifier: TokenVerifier;
  /** Whether an account exists and was not deleted: a token outlives its account by minutes. */
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
  let parts: Pick<Request, 'params' | 'query' | 'body' | 'idempotency'>;
  try {
    parts = await parseRequest(route, req, res, currentUser);
  } catch (error) {
    // The handler would have asked, but it is not reached: a deleted account is 401 all the same.
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
    sendAnswer(req, res, info, answer, isRead);
  } finally {
    // A client reads what it wrote. After a failure too: a lost COMMIT may have taken effect.
    if (!isRead) edge.cache.clear();
  }
};

const parseRequest = async (
  route: Route,
  req: ExpressRequest,
  res: ExpressResponse,
  currentUser: CurrentUser | undefined,
): Promise<Pick<Request, 'params' | 'query' | 'body' | 'idempotency'>> => {
  const { endpoint } = route;
  const received = endpoint.method === 'get' ? undefined : await readBody(req, res);
  const body = parsePart(endpoint.body, received);
  return {
    params: parsePart(endpoint.params, req.params),
    query: parseQuery(endpoint.query, req),
    body,
    idempotency: idempotencyOf(route, req, currentUser, body),
  };
};

/** A public read for the cache: it sees the path and the query, nothing of the person who asks. */
const loadShared = async (route: Route, req: ExpressRequest): Promise<CachedResponse> => {
  const answer = await route.handle({
    params: parsePart(route.endpoint.params, req.params),
    query: parseQuery(route.endpoint.query, req),
    body: undefined,
    currentUser: undefined,
    idempotency: undefined,
    address: '',
    requestId: '',
    isGone: () => false,
  } as unknown as Request);
  const json = serialise(answer);
  return { json, etag: etagOf(json) };
};

const authorize = async (
  edge: Edge,
  access: Access,
  checksUserItself: boolean,
  req: ExpressRequest,
): Promise<CurrentUser | undefined> => {
  if (access === 'public') return undefined;
  const token = /^Bearer ([\w.~+/=-]{1,4096})$/i.exec(req.headers.authorization ?? '')?.[1];
  if (token === undefined) throw signInFirst('Send an access token as Authorization: Bearer.');
  const currentUser = await edge.verifier.verify(token);
  // Before the role: a token of a deleted user is 401, whatever it asks for.
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

const parsePart = (schema: z.ZodType | undefined, value: unknown): unknown => {
  if (schema === undefined) {
    if (value !== undefined && !isEmptyObject(value)) {
      throw invalid('', 'this request takes no body');
    }
    return undefined;
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const errors = parsed.error.issues.flatMap(toFieldErrors);
  throw new Problem('invalid_request', {
    detail: errors
      .map(({ path, message }) => (path === '' ? message : `${path}: ${message}`))
      .join('; '),
    errors,
  });
};

const isEmptyObject = (value: unknown): boolean =>
  typeof value === 'object' &&
  value !== null &&
  !Array.isArray(value) &&
  Object.keys(value).length === 0;

const parseQuery = (schema: z.ZodType | undefined, req: ExpressRequest): unknown => {
  const { query } = req;
  refuseBadEncoding(req.originalUrl);
  if (schema !== undefined) return parsePart(schema, query);
  const [unknown] = Object.keys(query);
  if (unknown !== undefined) throw invalid(unknown, 'is not a parameter of this request');
  return undefined;
};

/** What is no UTF-8 would be read as U+FFFD, and match what nobody asked for. */
const refuseBadEncoding = (url: string): void => {
  const start = url.indexOf('?');
  if (start === -1 || !url.includes('%', start)) return;
  try {
    decodeURIComponent(url.slice(start + 1));
  } catch (cause) {
    throw new Problem('invalid_request', { detail: 'The query is not valid UTF-8.', cause });
  }
};

const toFieldErrors = (issue: z.core.$ZodIssue): FieldError[] => {
  const path = issue.path.map(String);
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.slice(0, 20).map((key) => ({
      path: [...path, key.slice(0, 100)].join('.'),
      message: 'is not a known field',
    }));
  }
  return [{ path: path.join('.'), message: issue.message }];
};

const idempotencyOf = (
  route: Route,
  req: ExpressRequest,
  currentUser: CurrentUser | undefined,
  body: unknown,
): IdempotentRequest | undefined => {
  const key = req.headers['idempotency-key'];
  if (route.endpoint.idempotent !== true || currentUser === undefined || key === undefined) {
    return undefined;
  }
  if (typeof key !== 'string' || !/^[\x21-\x7e]{1,255}$/.test(key)) {
    throw invalid('Idempotency-Key', 'must be 1 to 255 visible ASCII characters');
  }
  return {
    userId: currentUser.userId,
    // Decoded, so that one path in two spellings is one scope.
    scope: `${req.method} ${decodeURIComponent(req.path)}`,
    key,
    requestHash: hashRequest(body),
  };
};
