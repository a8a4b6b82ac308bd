import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { request } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';

/** A response of the proxy itself, no response, a closed connection, or undefined for no fault. */
type Fault = { status: number; retryAfter?: number } | 'hang' | 'cut' | undefined;

export type FaultyProxy = {
  url: string;
  /** Called for every request: `GET /api/v1/...`. */
  fault: (what: string) => Fault;
  /** Every request. */
  seen: string[];
  /** All response bodies of the API server. */
  answered: string;
  /** Closes all open connections, watches too. */
  cut(): void;
  stop(): Promise<void>;
};

/** A plain HTTP proxy in front of the API server at `target` that injects faults. */
export const startFaultyProxy = async (target: string): Promise<FaultyProxy> => {
  const sockets = new Set<Socket>();
  const forward = (incoming: IncomingMessage): ReturnType<typeof request> =>
    request(new URL(incoming.url ?? '/', target), {
      method: incoming.method ?? 'GET',
      headers: incoming.headers,
      rejectUnauthorized: false,
      agent: false,
    });
  const server = createServer((incoming, outgoing) => {
    const what = `${incoming.method ?? ''} ${incoming.url ?? ''}`;
    proxy.seen.push(what);
    const fault = proxy.fault(what);
    if (fault === 'hang') return;
    if (fault === 'cut') {
      incoming.socket.destroy();
      return;
    }
    if (fault !== undefined) {
      const { status, retryAfter } = fault;
      outgoing.writeHead(
        status,
        retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) },
      );
      outgoing.end(JSON.stringify({ kind: 'Status', code: status, reason: 'Faulty' }));
      return;
    }
    const upstream = forward(incoming);
    upstream.on('response', (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      outgoing.flushHeaders();
      answer.on('data', (chunk: Buffer) => {
        proxy.answered += chunk.toString();
      });
      answer.pipe(outgoing);
      answer.on('error', () => outgoing.destroy());
    });
    upstream.on('error', () => outgoing.destroy());
    outgoing.on('close', () => upstream.destroy());
    incoming.pipe(upstream);
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const cut = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  const proxy: FaultyProxy = {
    url: `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`,
    fault: () => undefined,
    seen: [],
    answered: '',
    cut,
    stop: async () => {
      cut();
      server.close();
      await once(server, 'close');
    },
  };
  return proxy;
};
