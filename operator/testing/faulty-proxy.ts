import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { request } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';

/** What becomes of a request: an answer of the proxy's own, silence, a cut connection, or all as it should be. */
type Fault = { status: number; retryAfter?: number } | 'hang' | 'cut' | undefined;

export type FaultyProxy = {
  url: string;
  /** Asked for every request; `GET /api/v1/...`. */
  fault: (what: string) => Fault;
  /** Every request that came. */
  seen: string[];
  /** All that the API server answered. */
  answered: string;
  /** Cuts all connections that are open, watches too. */
  cut(): void;
  stop(): Promise<void>;
};

/** Plain http in front of the API server at `target`, which does wrong as told. */
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
