import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export type Received = {
  service: string;
  method: string;
  url: string;
  headers: IncomingMessage['headers'];
  /** The client's port, which is another one for another connection. */
  clientPort: number | undefined;
};

/** A stub of every service: records requests, and closes the connection of the first `hangUps` ones. */
export type Stub = {
  ports: Record<string, number>;
  received: Received[];
  hangUps: number;
  /** Answers the service's name unless a test replaces it. */
  respond: (received: Received, res: ServerResponse) => void;
  stop: () => void;
};

export const respondWithName = ({ service }: Received, res: ServerResponse): void => {
  res.end(service);
};

export const startStub = async (services: readonly string[]): Promise<Stub> => {
  const servers = services.map((service) => {
    const server = createServer((req, res) => {
      req.resume().on('end', () => {
        const { method = '', url = '', headers } = req;
        const received = { service, method, url, headers, clientPort: req.socket.remotePort };
        stub.received.push(received);
        if (stub.hangUps > 0) {
          stub.hangUps -= 1;
          res.destroy();
          return;
        }
        res.setHeader('X-Request-Id', String(headers['x-request-id']));
        stub.respond(received, res);
      });
    });
    return [service, server.listen(0, '0.0.0.0')] as const;
  });
  await Promise.all(servers.map(([, server]) => once(server, 'listening')));
  const stub: Stub = {
    ports: Object.fromEntries(
      servers.map(([service, server]) => [service, (server.address() as AddressInfo).port]),
    ),
    received: [],
    hangUps: 0,
    respond: respondWithName,
    stop: () => {
      for (const [, server] of servers) {
        server.close();
        server.closeAllConnections();
      }
    },
  };
  return stub;
};
