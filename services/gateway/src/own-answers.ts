import type { Edge } from '@movie-ticketing/kit/pipeline';
import { makeHttpApp } from '@movie-ticketing/kit/http-app';
import { makeLogger } from '@movie-ticketing/kit/logging';
import { makeHttpMetrics, Registry } from '@movie-ticketing/kit/metrics';
import { makeResponseCache } from '@movie-ticketing/kit/response-cache';
import { startServer } from '@movie-ticketing/kit/server';

import { allEndpoints } from './all-endpoints.ts';
import { makeApiDocument } from './api-document.ts';
import { makeGatewayService } from './gateway.composition.ts';
import { makeReferencePage } from './reference-page.ts';

export type OwnAnswer = {
  path: string;
  contentType: string;
  headers: Readonly<Record<string, string>>;
  body: Buffer;
};

export type OwnAnswers = {
  answers: readonly OwnAnswer[];
  /** The headers of every problem: the security headers, and no caching. */
  refusalHeaders: Readonly<Record<string, string>>;
};

/**
 * The responses of the gateway itself, recorded from the one-process server, so that both send the same
 * headers and bodies. Listens on a port of 127.0.0.1 while recording.
 */
export const recordOwnAnswers = async (): Promise<OwnAnswers> => {
  const endpoints = allEndpoints();
  const app = makeHttpApp({
    services: [makeGatewayService({ document: makeApiDocument(endpoints), edge: unusedEdge })],
    pages: makeReferencePage(),
    logger: makeLogger({ service: 'gateway', level: 'silent' }),
    metrics: makeHttpMetrics(new Registry()),
    corsOrigins: [],
    trustProxy: 0,
    tracing: undefined,
  });
  const server = await startServer({ listener: app, host: '127.0.0.1', port: 0 });
  try {
    const url = `http://127.0.0.1:${String(server.port)}`;
    const paths = [...endpoints.gateway.map(({ path }) => path), ...(await pagesAt(url))];
    return {
      answers: await Promise.all(paths.map((path) => record(url, path))),
      refusalHeaders: headersOf(await fetch(`${url}/unknown`)),
    };
  } finally {
    await server.stop(1_000);
  }
};

/** The reference page and the files that it loads from this server. */
const pagesAt = async (url: string): Promise<string[]> => {
  const html = await (await fetch(`${url}/docs`)).text();
  const links = html.matchAll(/(?:src|href)="(\/docs\/[^"]+)"/g);
  return ['/docs', ...new Set([...links].map(([, path = '']) => path))];
};

const record = async (url: string, path: string): Promise<OwnAnswer> => {
  const answer = await fetch(url + path);
  const contentType = answer.headers.get('content-type');
  if (answer.status !== 200 || contentType === null) {
    throw new Error(`GET ${path} answered ${String(answer.status)}`);
  }
  const body = Buffer.from(await answer.arrayBuffer());
  return { path, contentType, headers: headersOf(answer), body };
};

/** Headers of one response, of the connection, or that nginx sets itself for a file. */
const notKept = new Set([
  'connection',
  'content-length',
  'content-type',
  'date',
  'etag',
  'keep-alive',
  'transfer-encoding',
  'x-request-id',
]);

const headersOf = (answer: Response): Record<string, string> =>
  Object.fromEntries([...answer.headers].filter(([name]) => !notKept.has(name)));

/** The gateway's own endpoints are public: there is no sign-in and no cache. */
const unusedEdge: Edge = {
  verifier: { verify: () => Promise.reject(new Error('the endpoints of the gateway are public')) },
  isActiveUser: () => Promise.resolve(false),
  cache: makeResponseCache({ ttlMs: 0 }),
};
