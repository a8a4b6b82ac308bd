import { createServer, type RequestListener, type Server } from 'node:http';
import { Socket, type AddressInfo } from 'node:net';

import { makeConnections, type Connection, type Connections } from './connections.ts';
import { Problem } from './problems.ts';
import { failBody, prepareBody } from './request-body.ts';
import { refuseOnSocket, toProblem, type Refusal } from './socket-refusal.ts';

export type RunningServer = {
  port: number;
  /** Stops accepting, lets requests in flight finish until `deadlineMs`, then drops what is left. */
  stop(deadlineMs: number): Promise<void>;
};

/** How long a client may take, in milliseconds, and how many connections it may hold. */
export type ConnectionLimits = {
  /** From a new connection, or the first byte of a later request, to the end of the headers. */
  headersMs: number;
  /** The same, to the end of the body. */
  requestMs: number;
  /** Between an answer and the next request; longer than a proxy keeps its idle connections. */
  idleMs: number;
  /** Without a byte sent or received while a request or its answer is under way. */
  stalledMs: number;
  /** From the last answer on a connection until it is destroyed, although the client keeps it open. */
  graceMs: number;
  connections: number;
  /** For one IPv4 address or IPv6 /64; undefined behind a proxy, whose address all clients share. */
  connectionsPerNetwork: number | undefined;
};

const defaults: ConnectionLimits = {
  headersMs: 10_000,
  requestMs: 15_000,
  idleMs: 65_000,
  stalledMs: 30_000,
  graceMs: 1_000,
  connections: 10_000,
  connectionsPerNetwork: undefined,
};

export type ServerOptions = {
  listener: RequestListener;
  host: string;
  port: number;
  limits?: Partial<ConnectionLimits>;
  /** Called for each request that is refused before it reaches the listener. */
  onRefused?: (refusal: Refusal) => void;
};

/**
 * Listens with a limit on everything that a client could hold open: headers, bodies, answers, idle and
 * half-closed connections.
 * @throws the socket's error, for instance EADDRINUSE
 */
export const startServer = async (options: ServerOptions): Promise<RunningServer> => {
  const limits = { ...defaults, ...options.limits };
  const connections = makeConnections({
    graceMs: limits.graceMs,
    maximumPerNetwork: limits.connectionsPerNetwork,
  });
  const onRequest: RequestListener = (req, res) => {
    connections.onRequest(req, res);
    prepareBody(req, res);
    options.listener(req, res);
  };
  const server = createServer(
    {
      // Twice what the application accepts: it answers 414 or 431 itself, like any other problem.
      maxHeaderSize: 32_768,
      headersTimeout: Math.min(limits.headersMs, limits.requestMs),
      requestTimeout: limits.requestMs,
      keepAliveTimeout: limits.idleMs,
      connectionsCheckingInterval: Math.min(1_000, limits.headersMs, limits.requestMs),
      requireHostHeader: false, // checked by the application, which answers problem+json
    },
    onRequest,
  );
  server.maxConnections = limits.connections;
  server.timeout = limits.stalledMs;
  server.on('connection', connections.add);
  // RFC 9110, 10.1.1: an expectation that is not known is ignored; Node's own answer is a bare 417.
  server.on('checkExpectation', onRequest);
  // The body reader sends 100 Continue when it wants the body.
  server.on('checkContinue', onRequest);
  answerRefused(server, connections, limits.graceMs, options.onRefused);
  await listen(server, options.host, options.port);
  return {
    port: (server.address() as AddressInfo).port,
    stop: (deadlineMs) => stop(server, connections, deadlineMs, limits.graceMs),
  };
};

type Refuse = (socket: Socket, problem: Problem, reason: string) => void;

/** What never reaches the application is answered here, on the socket. */
const answerRefused = (
  server: Server,
  connections: Connections,
  graceMs: number,
  onRefused: ServerOptions['onRefused'],
): void => {
  const refuse: Refuse = (socket, problem, reason) => {
    const refusal = refuseOnSocket(socket, problem, reason, graceMs);
    onRefused?.(refusal);
  };
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    const connection = socket instanceof Socket ? connections.get(socket) : undefined;
    const isLost = error.code === 'ECONNRESET' || !socket.writable;
    if (!(socket instanceof Socket) || connection === undefined || connection.isRefused || isLost) {
      socket.destroy();
      return;
    }
    connection.isRefused = true;
    refuseUnparsable(connection, socket, error, refuse);
  });
  server.on('connect', (_req, socket) => {
    if (!(socket instanceof Socket)) return;
    const detail = 'CONNECT is not supported: this server is not a proxy.';
    refuse(socket, new Problem('method_not_allowed', { detail }), 'CONNECT');
  });
};

/** The answers to earlier requests on the connection come first. */
const refuseUnparsable = (
  { request, response }: Connection,
  socket: Socket,
  error: NodeJS.ErrnoException,
  refuse: Refuse,
): void => {
  const problem = toProblem(error);
  const reason = error.code ?? error.message;
  if (request === undefined || response === undefined) {
    refuse(socket, problem, reason);
  } else if (!request.complete) {
    // The error is in the body of a request that the application is handling, or has answered already.
    if (response.writableEnded) socket.destroy();
    else failBody(request, response, problem);
  } else if (response.writableFinished) {
    refuse(socket, problem, reason);
  } else {
    response.once('close', () => {
      if (socket.writable) refuse(socket, problem, reason);
    });
  }
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

const stop = (
  server: Server,
  connections: Connections,
  deadlineMs: number,
  graceMs: number,
): Promise<void> =>
  new Promise((resolve) => {
    // A client that was not told would send its next request while its connection is being closed.
    connections.closeAfterResponses();
    const deadline = setTimeout(connections.closeAll, deadlineMs);
    const waiting = setInterval(connections.closeWaiting, graceMs);
    // A connection that becomes idle after its last answer is closed too: close() alone leaves it.
    const idle = setInterval(() => {
      server.closeIdleConnections();
    }, 50);
    server.close(() => {
      clearTimeout(deadline);
      clearInterval(waiting);
      clearInterval(idle);
      resolve();
    });
    server.closeIdleConnections();
  });
