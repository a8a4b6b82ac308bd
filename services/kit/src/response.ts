import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';

import type { ApiResponse, Endpoint } from './endpoint.ts';
import { toProblemBody, type Problem } from './problems.ts';
import type { CachedResponse } from './response-cache.ts';

/** Names and values in turn, as Node's `writeHead` takes them. */
export type HeaderList = readonly string[];

/** What is known about a request before its route is found. */
export type RequestInfo = {
  requestId: string;
  /** The client's address (client-address.ts). */
  address: string;
  /** The headers of every response: the request's id and the security headers. */
  headers: HeaderList;
};

const json = ['Content-Type', 'application/json; charset=utf-8'] as const;

/**
 * Writes a response with all of its headers at once: setting them one by one costs processor time
 * (docs/adr/0017).
 */
export const writeResponse = (
  res: ServerResponse,
  status: number,
  headers: HeaderList,
  body?: string | Buffer,
): void => {
  if (body === undefined) {
    res.writeHead(status, headers as string[]);
    res.end();
    return;
  }
  const length = typeof body === 'string' ? Buffer.byteLength(body) : body.length;
  res.writeHead(status, [...headers, 'Content-Length', String(length)]);
  res.end(body);
};

export const serialize = (answer: ApiResponse): string =>
  answer.json ?? (answer.body === undefined ? '' : JSON.stringify(answer.body));

export const etagOf = (body: string | Buffer): string =>
  `"${createHash('sha1').update(body).digest('base64url')}"`;

/**
 * Whether `If-None-Match` has the ETag of this response. Express's `req.fresh` is false for a request with
 * `Cache-Control: no-cache`, which fetch adds to every If-None-Match.
 */
export const hasCurrent = (req: IncomingMessage, etag: string | undefined): boolean => {
  const sent = req.headers['if-none-match'];
  if (sent === undefined) return false;
  const named = sent.split(',').map((one) => one.trim().replace(/^W\//, ''));
  return named.some((one) => one === '*' || one === etag);
};

/** A public read from the cache. */
export const sendShared = (
  req: IncomingMessage,
  res: ServerResponse,
  info: RequestInfo,
  answer: CachedResponse,
): void => {
  const headers = [
    ...info.headers,
    'ETag',
    answer.etag,
    'Cache-Control',
    // The service and the gateway use up the second that a public read may be old: other caches must
    // revalidate.
    answer.immutable === true
      ? 'public, max-age=31536000, immutable'
      : 'public, max-age=0, must-revalidate',
  ];
  if (hasCurrent(req, answer.etag)) writeResponse(res, 304, headers);
  else writeResponse(res, 200, [...headers, ...json], answer.json);
};

/** Whether the body is the one that GET returns for the resource that was created or changed. */
const isRepresentation = (endpoint: Endpoint, { status, headers }: ApiResponse): boolean =>
  (endpoint.method === 'patch' && status === 200) ||
  (status === 201 && headers?.['Location'] !== undefined);

/** Sends a handler's response. A read has an ETag; caches do not store other responses. */
export const sendAnswer = (
  req: IncomingMessage,
  res: ServerResponse,
  info: RequestInfo,
  endpoint: Endpoint,
  answer: ApiResponse,
): void => {
  const isRead = endpoint.method === 'get';
  const body = answer.bytes ?? serialize(answer);
  const headers = [...info.headers];
  let {
    ETag: etag,
    'Cache-Control': cacheControl,
    'Content-Type': contentType,
  } = answer.headers ?? {};
  for (const [name, value] of Object.entries(answer.headers ?? {})) headers.push(name, value);
  const add = (name: string, value: string): string => {
    headers.push(name, value);
    return value;
  };
  if (isRead && etag === undefined) {
    etag = add('ETag', etagOf(body));
    cacheControl ??= add('Cache-Control', 'private, no-cache');
  } else if (!isRead) {
    cacheControl ??= add('Cache-Control', 'no-store');
    if (isRepresentation(endpoint, answer)) add('ETag', etagOf(body));
  }
  if (isRead && answer.status === 200 && hasCurrent(req, etag)) {
    writeResponse(res, 304, headers);
  } else if (body.length === 0) {
    writeResponse(res, answer.status, headers);
  } else {
    contentType ??=
      endpoint.contentType === undefined ? add(...json) : add('Content-Type', endpoint.contentType);
    writeResponse(res, answer.status, headers, body);
  }
};

/** Sends an error as problem+json (RFC 9457). */
export const sendProblem = (res: ServerResponse, info: RequestInfo, problem: Problem): void => {
  const body = toProblemBody(problem, info.requestId);
  const headers = { ...problem.headers };
  // RFC 9110, 15.5.2: every 401 has it, also for a wrong password.
  if (body.status === 401) headers['WWW-Authenticate'] ??= 'Bearer';
  if (problem.retryAfter !== undefined) headers['Retry-After'] = String(problem.retryAfter);
  headers['Content-Type'] = 'application/problem+json; charset=utf-8';
  headers['Cache-Control'] = 'no-store';
  const list = [...info.headers, ...Object.entries(headers).flat()];
  writeResponse(res, body.status, list, JSON.stringify(body));
};
