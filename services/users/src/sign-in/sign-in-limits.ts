import type { Database } from '@movie-ticketing/kit/database';
import { Problem } from '@movie-ticketing/kit/problems';

import type { FairQueue } from '../passwords/fair-queue.ts';
import type { SecurityEvents } from '../security-events/security-events.ts';
import {
  makeSignInFailuresRepository,
  type Counts,
  type SignInState,
  type Subjects,
} from './sign-in-failures.repository.ts';
import { networkHash, pairHash } from './subjects.ts';

/** Whose password is guessed, and from where. */
export type SignInAttempt = {
  email: string;
  /** Undefined where no user has the e-mail address. */
  userId: number | undefined;
  network: string;
  requestId: string;
};

export type SignInLimits = {
  /**
   * Runs a comparison with a password in the queue, if the limits allow it.
   * @param compare undefined means that the password was wrong
   * @throws Problem `too_many_requests` with the seconds until the window ends, `overloaded`
   */
  guess<T>(attempt: SignInAttempt, compare: () => Promise<T | undefined>): Promise<T | undefined>;
  /** Forgets the failures of a user from a network. */
  clear(email: string, network: string): Promise<void>;
};

/** Failed sign-ins within a window: of one user from one network, and of one network in all. */
export const maximumFailures: Counts = { pair: 10, network: 50 };
export const windowSeconds = 15 * 60;

const withoutMaximum = 2 ** 31 - 1;

/** Users who have signed in from a network before are not held back by what others do there. */
const maximaOf = (isKnown: boolean): Counts =>
  isKnown ? { ...maximumFailures, network: withoutMaximum } : maximumFailures;

/** Seconds to wait, or undefined where another attempt is allowed. */
export const secondsToWait = (state: SignInState): number | undefined => {
  const maxima = maximaOf(state.isKnown);
  const full = (['pair', 'network'] as const).filter((one) => state.failures[one] >= maxima[one]);
  return full.length === 0
    ? undefined
    : Math.max(1, ...full.map((subject) => state.secondsLeft[subject]));
};

const tooMany = (retryAfter: number | undefined): Problem =>
  new Problem('too_many_requests', {
    detail: 'Too many failed sign-ins. Wait for the seconds in Retry-After, then try again.',
    retryAfter: retryAfter ?? 1,
  });

/** RATE_LIMITS=off, for benchmarks. */
export const makeUnlimitedSignIns = (queue: FairQueue): SignInLimits => ({
  guess: ({ network }, compare) => queue.run({ network, isKnown: false }, compare),
  clear: () => Promise.resolve(),
});

type Failures = ReturnType<typeof makeSignInFailuresRepository>;

/** @throws Problem `too_many_requests`; then nothing is counted */
const reserve = async (
  failures: Failures,
  subjects: Subjects,
  user: { isKnown: boolean; userId: number | undefined },
): Promise<Counts> => {
  const maxima = maximaOf(user.isKnown);
  const { pair, network } = await failures.reserve(subjects, maxima, windowSeconds);
  if (pair !== undefined && network !== undefined) return { pair, network };
  if (pair !== undefined) await failures.release(subjects.pair);
  if (network !== undefined) await failures.release(subjects.network);
  throw tooMany(secondsToWait(await failures.find(subjects, user.userId)));
};

/**
 * Counts failures in the database, so that processes share the counts. An attempt is counted when its
 * turn in the queue has come and before it is compared. So attempts at the same time cannot exceed a
 * maximum, right sign-ins at the same time are not refused, and an attempt that the queue refused has
 * not been counted.
 */
export const makeSignInLimits = (parts: {
  db: Database;
  queue: FairQueue;
  lookups: FairQueue;
  events: SecurityEvents;
}): SignInLimits => {
  const { queue, lookups, events } = parts;
  const failures = makeSignInFailuresRepository(parts.db);

  const guess: SignInLimits['guess'] = async (attempt, compare) => {
    const { email, userId, network, requestId } = attempt;
    const subjects = { pair: pairHash(email, network), network: networkHash(network) };
    const before = await lookups.run({ network, isKnown: false }, () =>
      failures.find(subjects, userId),
    );
    const seconds = secondsToWait(before);
    if (seconds !== undefined) throw tooMany(seconds); // without a place in the queue
    return queue.run({ network, isKnown: before.isKnown }, async () => {
      const counts = await reserve(failures, subjects, { isKnown: before.isKnown, userId });
      let outcome: Awaited<ReturnType<typeof compare>>;
      try {
        outcome = await compare();
      } catch (error) {
        // The error is the response in any case; a count that stays too high ends with its window.
        await failures.release(subjects.pair).catch(() => undefined);
        await failures.release(subjects.network).catch(() => undefined);
        throw error;
      }
      if (outcome === undefined) {
        events.signInFailed({
          userId: userId ?? null,
          failures: counts.pair,
          networkFailures: counts.network,
          requestId,
        });
        return undefined;
      }
      await failures.clear(subjects.pair);
      await failures.release(subjects.network);
      return outcome;
    });
  };

  return { guess, clear: (email, network) => failures.clear(pairHash(email, network)) };
};
