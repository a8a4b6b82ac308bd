import { randomUUID } from 'node:crypto';

import type { CrashClient, Reply, TestRequest } from './crash-client.ts';

export type TestUser = { id: number; token: string };

/** One request of one user with every response to it. Each user books at most once. */
export type Entry = TestRequest & {
  kind: 'book' | 'pay' | 'cancel';
  user: TestUser;
  bookingId: number | undefined;
  replies: Reply[];
};

/** The outcome is known to the client and will not change. */
export const isDecisive = (reply: Reply): boolean =>
  reply.status !== 'none' &&
  reply.status < 500 &&
  reply.status !== 202 &&
  reply.body?.code !== 'idempotency_key_in_flight';

/** mulberry32: the same seed gives the same numbers. */
export const makeRandom = (seed: number): (() => number) => {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
};

export const pick = <T>(random: () => number, from: readonly T[]): T => {
  if (from.length === 0) throw new Error('nothing to pick from');
  return from[Math.floor(random() * from.length)] as T;
};

export type LoadOptions = {
  client: CrashClient;
  /** The URL of a running process. */
  server: () => string;
  random: () => number;
  /** A new user with an access token. */
  newUser: () => Promise<TestUser>;
  screeningIds: readonly number[];
  buyers: number;
};

export type Load = {
  ledger: Entry[];
  /** Resolves once `count` more requests are sent or answered. */
  after: (what: 'sent' | 'answered', count: number) => Promise<void>;
  /** Lets every buyer complete its current request. */
  stop: () => Promise<void>;
};

// Mostly approved: a late response delays its buyer by a second.
const paymentTokens = [
  ...Array<undefined>(10).fill(undefined),
  'tok_approved',
  'tok_approved',
  'tok_declined',
  'tok_declined',
  'tok_late',
  'tok_timeout',
];

/** Buyers that book, pay and cancel until they are stopped, and record every response. */
export const startLoad = (options: LoadOptions): Load => {
  const { client, random, server } = options;
  const ledger: Entry[] = [];
  const counted = { sent: makeCount(), answered: makeCount() };
  let stopped = false;

  const send = async (entry: Entry): Promise<Reply> => {
    counted.sent.add();
    const reply = await client.send(server(), entry);
    entry.replies.push(reply);
    if (reply.status !== 'none') counted.answered.add();
    return reply;
  };

  /** Some requests are repeated at once, the others by `finishLedger` after the load. */
  const ask = async (it: Omit<Entry, 'replies' | 'key' | 'method' | 'token'>): Promise<Reply> => {
    const key = random() < 0.6 ? randomUUID() : undefined;
    const entry: Entry = { ...it, method: 'POST', token: it.user.token, key, replies: [] };
    ledger.push(entry);
    let reply = await send(entry);
    const repeats = random() < 0.5 && key !== undefined ? 3 : 0;
    for (let i = 0; i < repeats && !isDecisive(reply); i += 1) reply = await send(entry);
    return reply;
  };

  const buyer = async (): Promise<void> => {
    while (!stopped) {
      const user = await options.newUser();
      const booked = await ask({
        kind: 'book',
        user,
        path: '/bookings',
        body: {
          screening_id: pick(random, options.screeningIds),
          num_tickets: 1 + Math.floor(random() * 4),
        },
        bookingId: undefined,
      });
      if (booked.status !== 201) continue;
      const bookingId: number = booked.body.booking.id;
      if (random() < 0.7) {
        const body = { booking_id: bookingId, payment_token: pick(random, paymentTokens) };
        await ask({ kind: 'pay', user, path: '/payments', body, bookingId });
      }
      if (random() < 0.4) {
        const path = `/bookings/${String(bookingId)}/cancel`;
        await ask({ kind: 'cancel', user, path, body: undefined, bookingId });
      }
    }
  };

  const running = Promise.all(Array.from({ length: options.buyers }, buyer));
  return {
    ledger,
    after: (what, count) =>
      Promise.race([counted[what].after(count), running.then(() => undefined)]),
    stop: async () => {
      stopped = true;
      await running;
    },
  };
};

/** A counter whose value can be awaited. */
const makeCount = () => {
  let count = 0;
  let waiting: { at: number; wake: () => void }[] = [];
  return {
    add: (): void => {
      count += 1;
      for (const { at, wake } of waiting) if (at <= count) wake();
      waiting = waiting.filter(({ at }) => at > count);
    },
    after: (more: number): Promise<void> =>
      new Promise((wake) => {
        waiting.push({ at: count + more, wake });
      }),
  };
};

/** Repeats every request with a key whose outcome is unknown, until all outcomes are known. */
export const finishLedger = async (
  ledger: readonly Entry[],
  send: (entry: Entry) => Promise<Reply>,
): Promise<number> => {
  const open = ledger.filter(
    ({ key, replies }) => key !== undefined && !replies.some((reply) => isDecisive(reply)),
  );
  const waiting = [...open];
  const repeat = async (): Promise<void> => {
    for (let entry = waiting.pop(); entry !== undefined; entry = waiting.pop()) {
      entry.replies.push(await send(entry));
    }
  };
  await Promise.all(Array.from({ length: 16 }, repeat));
  return open.length;
};
