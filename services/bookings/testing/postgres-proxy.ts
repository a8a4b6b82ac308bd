import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/**
 * What happens to the next COMMIT:
 * - `lose`: the connection is cut before PostgreSQL receives it, so nothing is committed;
 * - `cut`: it is committed, and the connection is cut before the client receives the response;
 * - `delay`: the client's side is cut at once, and PostgreSQL receives it when `forwardDelayed` is called.
 */
type CommitFault = 'lose' | 'cut' | 'delay';

export type PostgresProxy = {
  /** The database behind the proxy. */
  url: string;
  /**
   * Injects the fault at the next COMMIT of a transaction that writes. Transactions of background workers
   * that find nothing to do are not affected. Resolves once the fault has been injected.
   */
  failNextCommit: (fault: CommitFault) => Promise<void>;
  forwardDelayed: () => void;
  /** The next message that contains the text does not reach PostgreSQL: its connection is cut instead. */
  cutBefore: (text: string) => Promise<void>;
  /**
   * Withholds PostgreSQL's responses until a message that contains the text has been sent.
   * @returns resolves when it has been sent
   */
  withholdResponsesUntil: (text: string) => Promise<void>;
  /** Ends the next new connection as PostgreSQL would, together with its `times`-th ReadyForQuery. */
  endNextConnectionWhenReady: (times: number) => void;
  stop: () => Promise<void>;
};

/** Also by name, because a prepared statement is sent without its text. */
const writes = /INSERT INTO|bookings\.batch\.write|UPDATE (bookings|payments) SET status/;

/** A proxy in front of PostgreSQL that can inject a fault at a COMMIT. */
export const startPostgresProxy = async (databaseUrl: string): Promise<PostgresProxy> => {
  const target = new URL(databaseUrl);
  const sockets = new Set<Socket>();
  let armed: { fault: CommitFault; injected: () => void } | undefined;
  let forwardDelayed: () => void = () => undefined;
  let endAtReady = 0;
  let cut: { text: string; injected: () => void } | undefined;
  let withholding: { text: string; sent: () => void; responses: (() => void)[] } | undefined;

  /** @returns whether the message is forwarded */
  const watch = (message: Buffer): boolean => {
    const text = message.toString('latin1');
    if (withholding !== undefined && text.includes(withholding.text)) {
      const { sent, responses } = withholding;
      withholding = undefined;
      for (const forward of responses) forward();
      sent();
    }
    if (cut === undefined || !text.includes(cut.text)) return true;
    cut.injected();
    cut = undefined;
    return false;
  };

  const injection = (client: Socket, server: Socket, message: Buffer): boolean => {
    if (armed === undefined) return false;
    const { fault, injected } = armed;
    armed = undefined;
    if (fault === 'lose') {
      server.destroy();
      client.destroy();
    } else if (fault === 'cut') {
      // The connection is cut once the response says that the transaction is committed. Responses of
      // statements in the same pipeline come before it.
      let received = '';
      server.removeAllListeners('data');
      server.on('data', (chunk) => {
        received += chunk.toString('latin1');
        if (!received.includes('COMMIT\0')) return;
        client.destroy();
        server.destroy();
      });
      server.write(message);
    } else {
      forwardDelayed = () => {
        server.write(message);
      };
      server.removeAllListeners('data');
      client.removeAllListeners('close');
      client.destroy();
    }
    injected();
    return true;
  };

  const listener = createServer((client) => {
    const server = connect(Number(target.port), target.hostname);
    for (const socket of [client, server]) {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => sockets.delete(socket));
    }
    client.on('close', () => server.destroy());
    server.on('close', () => client.destroy());
    server.on('data', (chunk) => {
      const ready = chunk.subarray(-6, -1).equals(readyForQuery);
      if (ready) endAtReady -= 1;
      if (ready && endAtReady === 0) client.end(Buffer.concat([chunk, adminShutdown]));
      else if (withholding !== undefined) withholding.responses.push(() => client.write(chunk));
      else client.write(chunk);
    });
    const split = messageSplitter();
    let hasWritten = false;
    client.on('data', (chunk) => {
      for (const message of split(chunk)) {
        const text = message.toString('latin1', 5);
        const isQuery = message[0] === 0x51;
        if (isQuery && text === 'BEGIN\0') hasWritten = false;
        hasWritten ||= writes.test(text);
        const isCommit = isQuery && text === 'COMMIT\0';
        if (isCommit && hasWritten && injection(client, server, message)) return;
        if (!watch(message)) {
          client.destroy();
          return;
        }
        server.write(message);
      }
    });
  });
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  const url = new URL(databaseUrl);
  url.hostname = '127.0.0.1';
  url.port = String((listener.address() as AddressInfo).port);
  return {
    url: url.href,
    failNextCommit: (fault) =>
      new Promise((resolve) => {
        armed = { fault, injected: resolve };
      }),
    forwardDelayed: () => {
      forwardDelayed();
    },
    cutBefore: (text) =>
      new Promise((resolve) => {
        cut = { text, injected: resolve };
      }),
    withholdResponsesUntil: (text) =>
      new Promise((resolve) => {
        withholding = { text, sent: resolve, responses: [] };
      }),
    endNextConnectionWhenReady: (times) => {
      endAtReady = times;
    },
    stop: () =>
      new Promise((resolve) => {
        listener.close(() => {
          resolve();
        });
        for (const socket of sockets) socket.destroy();
      }),
  };
};

const readyForQuery = Buffer.from('Z\0\0\0\x05', 'latin1');
const fields = Buffer.from('SFATAL\0C57P01\0Mterminating connection\0\0', 'latin1');
const adminShutdown = Buffer.concat([
  Buffer.from([0x45, 0, 0, 0, fields.length + 4]), // ErrorResponse
  fields,
]);

/** Splits a client's stream into messages. The first is the start-up packet, which has no type. */
const messageSplitter = (): ((chunk: Buffer) => Buffer[]) => {
  let rest: Buffer = Buffer.alloc(0);
  let started = false;
  return (chunk) => {
    rest = Buffer.concat([rest, chunk]);
    const messages: Buffer[] = [];
    for (;;) {
      const head = started ? 1 : 0;
      if (rest.length < head + 4) return messages;
      const length = head + rest.readInt32BE(head);
      if (rest.length < length) return messages;
      messages.push(rest.subarray(0, length));
      rest = rest.subarray(length);
      started = true;
    }
  };
};
