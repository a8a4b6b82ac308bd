import { createHash } from 'node:crypto';
import { isIPv6 } from 'node:net';

import type { Queryable } from '@movie-ticketing/kit/database';
import { Problem } from '@movie-ticketing/kit/problems';

import { makeSignInLimitsRepository } from './sign-in-limits.repository.ts';

export type SignInLimits = {
  /**
   * Runs a guess at a password. It is counted before it is compared, so that many at once cannot
   * exceed the limit; a right one clears the count, one that never came to a comparison is given back.
   * @param guess undefined: the password was wrong
   * @throws Problem `too_many_requests` with the seconds until the window ends
   */
  guess<T>(
    email: string,
    address: string,
    guess: () => Promise<T | undefined>,
  ): Promise<T | undefined>;
};

export const maximumFailures = 10;
export const windowSeconds = 15 * 60;

export const unlimitedSignIns: SignInLimits = {
  guess: (_email, _address, guess) => guess(),
};

/** Counted in the database, so that processes agree, by account and address together. */
export const makeSignInLimits = (db: Queryable): SignInLimits => {
  const repository = makeSignInLimitsRepository(db);
  return {
    guess: async <T>(email: string, address: string, guess: () => Promise<T | undefined>) => {
      const subject = subjectOf(email, address);
      if (!(await repository.reserve(subject, maximumFailures, windowSeconds))) {
        throw new Problem('too_many_requests', {
          detail: 'Too many failed sign-ins of this account from this address: wait a while.',
          retryAfter: await repository.secondsLeft(subject),
        });
      }
      let outcome: T | undefined;
      try {
        outcome = await guess();
      } catch (error) {
        // The answer is the error in any case: a count that stays too high ends with its window.
        await repository.release(subject).catch(() => undefined);
        throw error;
      }
      if (outcome !== undefined) await repository.clear(subject);
      return outcome;
    },
  };
};

/** A hash, so that the table names nobody. */
export const subjectOf = (email: string, address: string): Buffer =>
  createHash('sha256')
    .update(`${email.toLowerCase()}|${networkOf(address)}`)
    .digest();

/**
 * Whom an address stands for: an IPv4 address for itself, an IPv6 address for its /64, which is what
 * one subscriber has at the least and could change at will.
 */
export const networkOf = (address: string): string => {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined) return mapped;
  if (!isIPv6(address)) return address;
  const [left = '', right] = (address.split('%', 1)[0] ?? '').split('::');
  const before = left === '' ? [] : left.split(':');
  const after = right === undefined || right === '' ? [] : right.split(':');
  // A dotted tail stands for two groups; it lies in the lower half, which does not count.
  const tail = after.length + (after.at(-1)?.includes('.') === true ? 1 : 0);
  const zeros = right === undefined ? 0 : 8 - before.length - tail;
  const groups = [...before, ...Array<string>(Math.max(0, zeros)).fill('0'), ...after];
  return `${groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':')}::/64`;
};
