import { randomUUID } from 'node:crypto';

import type { Asked, CrashClient, Reply } from './crash-client.ts';

export type Person = { id: number; token: string };

/** One wish of one person, with every answer it ever got. Each person books at most once. */
export type Entry = Asked & {
  kind: 'book' | 'pay' | 'cancel';
  person: Person;
  bookingId: number | undefined;
  replies: Reply[];
};

/** The outcome is known to the client and will not change. */
export const isDecisive = (reply: Reply): boolean =>
  reply.status !== 'none' &&
  reply.status < 500 &&
  reply.status !== 202 &&
  reply.body?.code !== 'idempotency_key_in_flight';

/** mulberry32: the same seed chooses the same. */
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
  /** Where a request goes: one of the processes that live. */
  server: () => string;
  random: () => number;
  /** Gives a new person, signed in. */
  newPerson: () => Promise<Person>;
  screeningIds: readonly number[];
  buyers: number;
};

export type Load = {
  ledger: Entry[];
  /** Resolves once that many more requests were sent, or answered. */
  after: (what: 'sent' | 'answered', count: number) => Promise<void>;
  /** Lets every buyer finish what they are at. */
  stop: () => Promise<void>;
};

// Mostly plain ones: a late one keeps its buyer busy for a second.
const paymentTokens = [
  ...Array<undefined>(10).fill(undefined),
  'tok_approved',
  'tok_approved',
  'tok_declined',
  'tok_declined',
  'tok_late',
  'tok_timeout',
];

/** Buyers who book, pay and cancel until told to stop, and write down all they hear. */
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

  /** Some people repeat at once, some wait until all is quiet: `finishLedger` repeats for those. */
  const ask = async (it: Omit<Entry, 'replies' | 'key' | 'method' | 'token'>): Promise<Reply> => {
    const key = random() < 0.6 ? randomUUID() : undefined;
    const entry: Entry = { ...it, method: 'POST', token: it.person.token, key, replies: [] };
    ledger.push(entry);
    let reply = await send(entry);
    const repeats = random() < 0.5 && key !== undefined ? 3 : 0;
    for (let i = 0; i < repeats && !isDecisive(reply); i += 1) reply = await send(entry);
    return reply;
  };

  const buyer = async (): Promise<void> => {
    while (!stopped) {
      const person = await options.newPerson();
      const booked = await ask({
        kind: 'book',
        person,
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
        await ask({ kind: 'pay', person, path: '/payments', body, bookingId });
      }
      if (random() < 0.4) {
        const path = `/bookings/${String(bookingId)}/cancel`;
        await ask({ kind: 'cancel', person, path, body: undefined, bookingId });
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

/** A counter that wakes who waits for it. */
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

/** Repeats every keyed request whose outcome its sender does not know, until all are known. */
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
