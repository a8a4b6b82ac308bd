import type { Request as ExpressRequest, Response as ExpressResponse } from 'express';
import type { z } from 'zod';

import { changesResource, preconditionOf } from './conditional-requests.ts';
import type { CurrentUser } from './current-user.ts';
import type { Request, Route } from './endpoint.ts';
import { hashRequest, type IdempotentRequest } from './idempotency.ts';
import { invalid, invalidFields, Problem, type FieldError } from './problems.ts';
import { readBody } from './request-body.ts';
import { plainMessage } from './validation-messages.ts';

export type ParsedRequest = Pick<
  Request,
  'params' | 'query' | 'body' | 'idempotency' | 'precondition'
>;

/** @throws Problem for a part of the request that is not valid */
export const parseRequest = async (
  route: Route,
  req: ExpressRequest,
  res: ExpressResponse,
  currentUser: CurrentUser | undefined,
): Promise<ParsedRequest> => {
  const { endpoint } = route;
  const received = endpoint.method === 'get' ? undefined : await readBody(req, res, endpoint);
  const body = typeof received === 'string' ? received : parsePart(endpoint.body, received);
  return {
    params: parsePart(endpoint.params, req.params),
    query: parseQuery(endpoint.query, req),
    body,
    idempotency: idempotencyOf(route, req, currentUser, body),
    precondition: changesResource(endpoint.method) ? preconditionOf(req) : undefined,
  };
};

export const parsePart = (schema: z.ZodType | undefined, value: unknown): unknown => {
  if (schema === undefined) {
    if (value !== undefined && !isEmptyObject(value)) {
      throw invalid('', 'This request takes no body.');
    }
    return undefined;
  }
  const parsed = schema.safeParse(value, { error: plainMessage });
  if (parsed.success) return parsed.data;
  throw invalidFields(withoutConsequences(parsed.error.issues).flatMap(toFieldErrors));
};

/** A body whose only fields are unknown has no field to change either: the unknown fields say enough. */
const withoutConsequences = (issues: readonly z.core.$ZodIssue[]): z.core.$ZodIssue[] => {
  const hasUnknown = issues.some(
    ({ code, path }) => code === 'unrecognized_keys' && path.length === 0,
  );
  return issues.filter(({ code, path }) => !hasUnknown || code !== 'custom' || path.length > 0);
};

const isEmptyObject = (value: unknown): boolean =>
  typeof value === 'object' &&
  value !== null &&
  !Array.isArray(value) &&
  Object.keys(value).length === 0;

export const parseQuery = (schema: z.ZodType | undefined, req: ExpressRequest): unknown => {
  const { query } = req;
  refuseBadEncoding(req.originalUrl);
  if (schema !== undefined) return parsePart(schema, query);
  const [unknown] = Object.keys(query);
  if (unknown !== undefined) throw invalid(unknown, 'is not a parameter of this request');
  return undefined;
};

/** Invalid UTF-8 would be decoded to U+FFFD, and match text that the client did not send. */
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
    // Decoded, so that two percent-encodings of one path are one scope.
    scope: `${req.method} ${decodeURIComponent(req.path)}`,
    key,
    requestHash: hashRequest(body),
  };
};
