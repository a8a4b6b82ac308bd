import { randomBytes } from 'node:crypto';

import { Problem } from '@movie-ticketing/kit/problems';
import bcrypt from 'bcrypt';

import { maximumPasswordBytes } from './users.schema.ts';

/** The two calls of bcrypt that we make; a test counts them. */
export type Bcrypt = {
  hash(password: string, cost: number): Promise<string>;
  compare(password: string, hash: string): Promise<boolean>;
};

export type Passwords = {
  /** @throws Problem `overloaded` when too many wait already */
  hash(password: string): Promise<string>;
  /**
   * Whether the password is the hashed one. Without a hash (nobody has this e-mail) it does the work
   * of a comparison all the same and answers false, so that the time tells nothing.
   * @throws Problem `overloaded` when too many wait already
   */
  matches(password: string, hash: string | undefined): Promise<boolean>;
  /** A hash of another cost than ours takes another time, which tells that its account exists. */
  isOutdated(hash: string): boolean;
  /** How many wait for their turn. */
  waiting(): number;
};

/**
 * bcrypt with a bound on how many run and how many wait. It runs on libuv's pool of four threads,
 * which DNS and file reads share: sixty at once stalled them all for seconds.
 */
export const makePasswords = async (options: {
  cost: number;
  concurrency?: number;
  maximumWaiting?: number;
  bcrypt?: Bcrypt;
}): Promise<Passwords> => {
  const { hash, compare } = options.bcrypt ?? bcrypt;
  const concurrency = options.concurrency ?? 2;
  const queue = makeBoundedQueue(concurrency, options.maximumWaiting ?? 200);
  // Of a password that nobody knows, us included.
  const started = performance.now();
  const nobody = await hash(randomBytes(24).toString('base64'), options.cost);
  const oneTakesMs = performance.now() - started;

  const inTurn = <T>(work: () => Promise<T>): Promise<T> =>
    queue.run(work, (waiting) => {
      const seconds = Math.ceil((waiting * oneTakesMs) / concurrency / 1_000);
      return new Problem('overloaded', {
        detail: 'Too many people are signing in right now.',
        retryAfter: Math.min(30, Math.max(1, seconds)),
      });
    });

  return {
    hash: (password) => inTurn(() => hash(password, options.cost)),
    matches: async (password, known) => {
      // Past the cap bcrypt would compare the first 72 bytes and be content.
      const possible =
        known !== undefined && Buffer.byteLength(password, 'utf8') <= maximumPasswordBytes;
      const against = possible ? toBcryptDialect(known) : nobody;
      const same = await inTurn(() => compare(password, against));
      return possible && same;
    },
    isOutdated: (known) =>
      !toBcryptDialect(known).startsWith(`$2b$${String(options.cost).padStart(2, '0')}$`),
    waiting: queue.waiting,
  };
};

/** `$2y$` is what PHP and Go call the same hash; the bcrypt package refuses the name. */
const toBcryptDialect = (hash: string): string => hash.replace(/^\$2y\$/, '$2b$');

type BoundedQueue = {
  run<T>(work: () => Promise<T>, refusal: (waiting: number) => Problem): Promise<T>;
  waiting(): number;
};

const makeBoundedQueue = (concurrency: number, maximumWaiting: number): BoundedQueue => {
  const line: (() => void)[] = [];
  let running = 0;
  return {
    run: async (work, refusal) => {
      if (running >= concurrency) {
        if (line.length >= maximumWaiting) throw refusal(line.length);
        // Whoever leaves passes the place on, so `running` stays as it is.
        await new Promise<void>((resolve) => line.push(resolve));
      } else {
        running += 1;
      }
      try {
        return await work();
      } finally {
        const next = line.shift();
        if (next === undefined) running -= 1;
        else next();
      }
    },
    waiting: () => line.length,
  };
};
