import { connect, type Socket } from 'node:net';

/** A connection on which a test sends bytes that no HTTP client would send. */
export type RawConnection = {
  socket: Socket;
  /** What the server has sent so far. */
  received: () => string;
  /** Resolves once what was received matches. */
  until: (pattern: RegExp) => Promise<string>;
  /** Resolves with all that was received once the connection is destroyed on both sides. */
  closed: Promise<string>;
};

/** @param options `allowHalfOpen`: this client keeps its side open when the server closes its own */
export const openRaw = (
  port: number,
  text: string | Buffer = '',
  options: { allowHalfOpen?: boolean } = {},
): RawConnection => {
  const socket = connect({ port, host: '127.0.0.1', ...options });
  let received = '';
  const waiting = new Set<() => void>();
  socket.on('data', (chunk: Buffer) => {
    received += chunk.toString('latin1');
    for (const check of waiting) check();
  });
  socket.on('error', () => undefined); // a reset is a way to close
  const closed = new Promise<string>((resolve) => {
    socket.on('close', () => {
      resolve(received);
      for (const check of waiting) check();
    });
  });
  if (text.length > 0) socket.write(text);
  if (options.allowHalfOpen === true) {
    // Only what it writes tells a client with its side open that the server has destroyed the connection.
    socket.once('end', () => {
      const writing = setInterval(() => socket.write(' '), 20);
      socket.once('close', () => {
        clearInterval(writing);
      });
    });
  }
  return {
    socket,
    received: () => received,
    until: (pattern) =>
      new Promise((resolve, reject) => {
        const check = (): void => {
          if (pattern.test(received)) resolve(received);
          else if (socket.destroyed) reject(new Error(`closed after: ${received}`));
          else return;
          waiting.delete(check);
        };
        waiting.add(check);
        check();
      }),
    closed,
  };
};

/** The status codes of the answers in what a server sent, in order. */
export const statusesIn = (received: string): number[] =>
  [...received.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status));
