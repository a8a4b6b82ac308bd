import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

import { networkOf, normalizeAddress } from './client-address.ts';
import { closeAfterGrace } from './socket-refusal.ts';

/** What a server remembers of a connection: its latest request. */
export type Connection = {
  request: IncomingMessage | undefined;
  response: ServerResponse | undefined;
  /** The parser failed: nothing more is read from it. */
  isRefused: boolean;
};

export type Connections = {
  /** Remembers a new connection, or closes it if its network has as many as it may have. */
  add(socket: Socket): void;
  get(socket: Socket): Connection | undefined;
  /** From now on each response that has not begun says `Connection: close`. */
  closeAfterResponses(): void;
  /** Remembers the latest request of a connection. */
  onRequest(request: IncomingMessage, response: ServerResponse): void;
  /** Closes each connection that waits for its client: for a request, a body, or for reading an answer. */
  closeWaiting(): void;
  closeAll(): void;
};

/** The open connections of a server. */
export const makeConnections = (options: {
  graceMs: number;
  maximumPerNetwork: number | undefined;
}): Connections => {
  const { graceMs, maximumPerNetwork } = options;
  const connections = new Map<Socket, Connection>();
  let isClosing = false;
  const count = networkCounter(maximumPerNetwork);
  return {
    add: (socket) => {
      if (!count(socket)) {
        socket.destroy();
        return;
      }
      const connection: Connection = {
        request: undefined,
        response: undefined,
        isRefused: false,
      };
      connections.set(socket, connection);
      socket.once('close', () => connections.delete(socket));
      closeGently(socket, connection, graceMs);
    },
    get: (socket) => connections.get(socket),
    onRequest: (request, response) => {
      if (isClosing) response.shouldKeepAlive = false;
      const connection = connections.get(request.socket);
      if (connection !== undefined) Object.assign(connection, { request, response });
    },
    closeAfterResponses: () => {
      isClosing = true;
      for (const { response } of connections.values()) {
        if (response?.headersSent === false) response.shouldKeepAlive = false;
      }
    },
    closeWaiting: () => {
      for (const [socket, { request, response }] of connections) {
        const isWorking = request?.complete === true && response?.writableEnded === false;
        if (!isWorking) socket.destroy();
      }
    },
    closeAll: () => {
      for (const socket of connections.keys()) socket.destroy();
    },
  };
};

/** Counts a connection for its network. The function tells whether the network may have it. */
const networkCounter = (maximum: number | undefined): ((socket: Socket) => boolean) => {
  const perNetwork = new Map<string, number>();
  return (socket) => {
    if (maximum === undefined) return true;
    const network = networkOf(normalizeAddress(socket.remoteAddress ?? '') ?? '');
    const before = perNetwork.get(network) ?? 0;
    if (before >= maximum) return false;
    perNetwork.set(network, before + 1);
    socket.once('close', () => {
      const left = (perNetwork.get(network) ?? 1) - 1;
      if (left === 0) perNetwork.delete(network);
      else perNetwork.set(network, left);
    });
    return true;
  };
};

/**
 * Node calls `destroySoon` after an answer with `Connection: close`. While the client is still sending
 * its body that would reset the connection, and the client could lose the answer.
 */
const closeGently = (socket: Socket, connection: Connection, graceMs: number): void => {
  const destroySoon = socket.destroySoon.bind(socket);
  socket.destroySoon = () => {
    if (connection.request?.complete === false) closeAfterGrace(socket, graceMs);
    else destroySoon();
  };
};
