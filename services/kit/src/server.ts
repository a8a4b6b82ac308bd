import { createServer, type RequestListener, type Server, STATUS_CODES } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { randomUUID } from 'node:crypto';

import { Problem, toProblemBody, type ProblemCode } from './problems.ts';

export type RunningServer = {
  port: number;
  /** Stops accepting, lets requests in flight finish until `deadlineMs`, then drops what is left. */
  stop(deadlineMs: number): Promise<void>;
};

/**
 * Listens with limits on everything a client could hold open: headers, body, idle connections.
 * @throws the socket's error, for instance EADDRINUSE
 */
export const startServer = async (options: {
  listener: RequestListener;
  host: string;
  port: number;
  requestTimeoutMs?: number;
}): Promise<RunningServer> => {
  const server = createServer(
    {
      maxHeaderSize: 16_384,
      headersTimeout: Math.min(10_000, options.requestTimeoutMs ?? 15_000),
      requestTimeout: options.requestTimeoutMs ?? 15_000,
      keepAliveTimeout: 65_000, // longer than a proxy keeps its idle connections
      connectionsCheckingInterval: 1_000,
      requireHostHeader: false, // refused by the application instead, as problem+json
    },
    options.listener,
  );
  server.maxConnections = 10_000;
  server.on('clientError', refuseUnparsable);
  // RFC 9110 lets us ignore an expectation we do not know; Node's own answer would be a bare 417.
  server.on('checkExpectation', options.listener);
  server.on('connect', (_req, socket) => {
    refuseOnSocket(socket, new Problem('method_not_allowed', { detail: 'This is no proxy.' }));
  });
  await listen(server, options.host, options.port);
  return {
    port: (server.address() as AddressInfo).port,
    stop: (deadlineMs) => stop(server, deadlineMs),
  };
};

const listen = (server: Server, host: string, port: number): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once('error', reject);
    // Without a host Node listens on :: for both address families, or on 0.0.0.0 without IPv6.
    server.listen({ ...(host === '::' ? {} : { host }), port, backlog: 1024 }, () => {
      server.off('error', reject);
      resolve();
    });
  });

const stop = (server: Server, deadlineMs: number): Promise<void> =>
  new Promise((resolve) => {
    const late = setTimeout(() => {
      server.closeAllConnections();
    }, deadlineMs);
    // A connection that turns idle after its last answer is closed too: close() alone leaves it.
    const idle = setInterval(() => {
      server.closeIdleConnections();
    }, 50);
    server.close(() => {
      clearTimeout(late);
      clearInterval(idle);
      resolve();
    });
    server.closeIdleConnections();
  });

/** What Node's parser refuses never reaches Express: it is answered here, on the socket. */
const refuseUnparsable = (error: NodeJS.ErrnoException, socket: Socket): void => {
  if (!socket.writable || error.code === 'ECONNRESET') {
    socket.destroy();
    return;
  }
  const code: ProblemCode =
    error.code === 'HPE_HEADER_OVERFLOW'
      ? 'headers_too_large'
      : error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
        ? 'request_timeout'
        : 'invalid_request';
  refuseOnSocket(socket, new Problem(code));
};

const refuseOnSocket = (socket: Duplex, problem: Problem): void => {
  const requestId = randomUUID();
  const body = toProblemBody(problem, requestId);
  const json = JSON.stringify(body);
  socket.end(
    `HTTP/1.1 ${String(body.status)} ${STATUS_CODES[body.status] ?? ''}\r\n` +
      `Content-Type: application/problem+json; charset=utf-8\r\nX-Request-Id: ${requestId}\r\n` +
      `Content-Length: ${String(Buffer.byteLength(json))}\r\nConnection: close\r\n\r\n${json}`,
  );
};
