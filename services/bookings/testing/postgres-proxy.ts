import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/**
 * What happens to the next COMMIT that passes:
 * - `lose`: the connection is cut before it reaches Postgres, so it never happens;
 * - `cut`: it happens, and the connection is cut before its answer reaches the client;
 * - `delay`: the client's side is cut at once, and Postgres gets it when `forwardDelayed` is called.
 */
type CommitFault = 'lose' | 'cut' | 'delay';

export type PostgresProxy = {
  /** The database behind the proxy. */
  url: string;
  /**
   * The next COMMIT of a transaction that writes meets this fault; later ones pass. Transactions of background
   * workers that find nothing to do pass too. Resolves once it has struck.
   */
  strikeNextCommit: (fault: CommitFault) => Promise<void>;
  forwardDelayed: () => void;
  /** The next message that contains the text does not reach PostgreSQL: its connection is cut instead. */
  cutBefore: (text: string) => Promise<void>;
  /**
   * Withholds PostgreSQL's responses until a message that contains the text has been sent.
   * @returns resolves when it has been sent
   */
  withholdResponsesUntil: (text: string) => Promise<void>;
  /** The next new connection is ended by "Postgres" in the very packet that says so often that it is ready. */
  endNextConnectionWhenReady: (times: number) => void;
  stop: () => Promise<void>;
};

/** Also by name: a prepared statement is sent without its text. */
const writes = /INSERT INTO|bookings\.batch\.write|UPDATE (bookings|payments) SET status/;

/** A TCP proxy before Postgres that reads the client's messages, to strike at a COMMIT exactly. */
export const startPostgresProxy = async (databaseUrl: string): Promise<PostgresProxy> => {
  const target = new URL(databaseUrl);
  const sockets = new Set<Socket>();
  let armed: { fault: CommitFault; struck: () => void } | undefined;
  let forwardDelayed: () => void = () => undefined;
  let endAtReady = 0;
  let cut: { text: string; struck: () => void } | undefined;
  let withholding: { text: string; sent: () => void; responses: (() => void)[] } | undefined;

  /** @returns whether the message passes */
  const watch = (message: Buffer): boolean => {
    const text = message.toString('latin1');
    if (withholding !== undefined && text.includes(withholding.text)) {
      const { sent, responses } = withholding;
      withholding = undefined;
      for (const forward of responses) forward();
      sent();
    }
    if (cut === undefined || !text.includes(cut.text)) return true;
    cut.struck();
    cut = undefined;
    return false;
  };

  const strike = (client: Socket, server: Socket, message: Buffer): boolean => {
    if (armed === undefined) return false;
    const { fault, struck } = armed;
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
    struck();
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
        if (isCommit && hasWritten && strike(client, server, message)) return;
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
    strikeNextCommit: (fault) =>
      new Promise((resolve) => {
        armed = { fault, struck: resolve };
      }),
    forwardDelayed: () => {
      forwardDelayed();
    },
    cutBefore: (text) =>
      new Promise((resolve) => {
        cut = { text, struck: resolve };
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

/** Cuts a client's stream into whole messages. The first has no type: it is the start-up packet. */
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
