import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/**
 * What happens once the n-th message has been forwarded to PostgreSQL:
 * - `silence`: nothing is forwarded on any connection, in either direction
 * - `cut`: its connection is closed on both sides, so its response is lost; other connections continue
 * - `swallow`: like `silence`, and the message itself is not forwarded either
 */
export type Fault = 'silence' | 'cut' | 'swallow';

export type Wire = {
  /** The database's URL, through this proxy. */
  url: string;
  /**
   * Counts messages from now on and injects the fault at the `n`-th.
   * @param kinds types of messages that count, as in the protocol: Q(uery), P(arse), B(ind), E(xecute), S(ync)
   * @returns resolves when the fault has been injected
   */
  arm: (n: number, fault: Fault, kinds: string) => Promise<void>;
  disarm: () => void;
  /** Whether a process has deleted expired keys once, which it does at its start, in a transaction. */
  hasPruned: () => boolean;
  /** Ends a silence: new connections work, the earlier ones are closed. */
  heal: () => void;
  close: () => Promise<void>;
};

/**
 * Rounds of background workers that find nothing to do, and new connections that take their role: these
 * depend on the time, not on the requests.
 */
const idleRound =
  /pg_settings|roleless_logins|SET ROLE|FROM users u JOIN bookings b|ORDER BY b\.expires_at LIMIT|WHERE s\.status = 'cancelled' AND EXISTS|UPDATE payments SET attempts|pg_try_advisory_xact_lock|DELETE FROM bookings_idempotency_keys|FROM pgmigrations/;

type ArmedFault = { left: number; fault: Fault; kinds: string; injected: () => void };

/** A proxy in front of PostgreSQL that can inject a fault after any message of a client. */
export const startWire = async (databaseUrl: string): Promise<Wire> => {
  const target = new URL(databaseUrl);
  const lines = new Set<Line>();
  let armed: ArmedFault | undefined;
  let silent = false;
  let hasPruned = false;

  /** @returns whether the message is forwarded */
  const handle = (line: Line, message: Buffer): boolean => {
    const kind = String.fromCharCode(message[0] ?? 0);
    const idle = line.isIdleRound(message);
    if (idle || armed?.kinds.includes(kind) !== true) return true;
    armed.left -= 1;
    if (armed.left > 0) return true;
    const { fault, injected } = armed;
    armed = undefined;
    if (fault !== 'swallow') line.upstream.write(message);
    if (fault === 'cut') line.cut();
    else {
      silent = true;
      for (const it of lines) it.silence();
    }
    injected();
    return false;
  };

  const server = createServer((client) => {
    const line = makeLine(client, connect(Number(target.port), target.hostname), handle, () => {
      hasPruned = true;
    });
    lines.add(line);
    if (silent) line.silence();
    client.once('close', () => lines.delete(line));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = new URL(databaseUrl);
  url.hostname = '127.0.0.1';
  url.port = String((server.address() as AddressInfo).port);
  return {
    url: url.href,
    arm: (n, fault, kinds) =>
      new Promise((injected) => {
        armed = { left: n, fault, kinds, injected };
      }),
    hasPruned: () => hasPruned,
    disarm: () => {
      armed = undefined;
    },
    heal: () => {
      silent = false;
      for (const it of lines) it.cut();
    },
    close: async () => {
      for (const it of lines) it.cut();
      server.close();
      await once(server, 'close');
    },
  };
};

type Line = {
  upstream: Socket;
  isIdleRound: (message: Buffer) => boolean;
  silence: () => void;
  cut: () => void;
};

/** One connection. Both of its sides close together, as without a proxy. */
const makeLine = (
  client: Socket,
  upstream: Socket,
  handle: (line: Line, message: Buffer) => boolean,
  onPruned: () => void,
): Line => {
  let silent = false;
  let idle = false;
  let isPruning = false;
  let received: Buffer = Buffer.alloc(0);
  let started = false;
  const line: Line = {
    upstream,
    /** From its Parse (or Query) to its Sync. A statement that is prepared already has no Parse. */
    isIdleRound: (message) => {
      const kind = message[0];
      if (kind === 0x50 || kind === 0x51) {
        const text = message.toString('latin1');
        idle = idleRound.test(text);
        if (text.includes('DELETE FROM bookings_idempotency_keys')) isPruning = true;
        else if (isPruning) onPruned(); // its COMMIT
      }
      const was = idle;
      if (kind === 0x53) idle = false;
      return was;
    },
    silence: () => {
      silent = true;
    },
    cut: () => {
      silent = true;
      client.destroy();
      // PostgreSQL still executes what was forwarded: it reads that before the end of the connection.
      upstream.end();
    },
  };
  client.on('data', (chunk: Buffer) => {
    received = received.length === 0 ? chunk : Buffer.concat([received, chunk]);
    for (;;) {
      if (silent) return;
      // The first message of a connection has no type before its length.
      const size = started ? 1 : 0;
      if (received.length < size + 4) return;
      const end = size + received.readUInt32BE(size);
      if (received.length < end) return;
      const message = received.subarray(0, end);
      received = received.subarray(end);
      const passes = !started || handle(line, message);
      started = true;
      if (passes) upstream.write(message);
    }
  });
  upstream.on('data', (chunk: Buffer) => {
    if (!silent) client.write(chunk);
  });
  for (const socket of [client, upstream]) {
    socket.setNoDelay(true); // otherwise every statement waits 40 ms for a delayed ACK
    socket.on('error', () => undefined);
  }
  client.once('close', () => upstream.end());
  upstream.once('close', () => client.destroy());
  return line;
};
