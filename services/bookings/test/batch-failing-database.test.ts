import { describe, expect, test } from '@jest/globals';
import type { Database } from '@movie-ticketing/kit/database';
import { CommitInDoubt } from '@movie-ticketing/kit/database-errors';
import type { Problem } from '@movie-ticketing/kit/problems';

import { runBatch } from '../src/batch/run-batch.ts';
import { order, outcomeName } from '../testing/orders.ts';

/** A database whose every transaction fails in the same way, and how often it was asked. */
const failing = (error: Error & { code?: string }) => {
  let attempts = 0;
  const db = {
    attempt: () => {
      attempts += 1;
      return Promise.reject(error);
    },
  } as unknown as Database;
  return { db, attempts: () => attempts };
};

const orders = Array.from({ length: 64 }, (_, index) =>
  order({ userId: index + 1, screeningId: 1 }),
);
const settings = { holdMs: 900_000, patienceMs: 250 };

describe('a database that fails every batch', () => {
  test.each([
    ['out of disk', '53100', 'unavailable', 1],
    ['out of connections', '53300', 'unavailable', 1],
    ['refusing the login', '28P01', 'unavailable', 1],
    ['in an endless deadlock', '40P01', 'overloaded', 5 * 127],
    ['wrong in a way nobody foresaw', '22012', 'internal', 127],
  ])(
    'when it is %s (%s), then every order is told %s after a bounded number of tries',
    async (_what, code, expected, most) => {
      const { db, attempts } = failing(Object.assign(new Error(code), { code }));
      const outcomes = await runBatch(db, orders, settings);
      expect(new Set(outcomes.map(outcomeName))).toEqual(new Set([expected]));
      expect(outcomes).toHaveLength(64);
      expect(attempts()).toBeLessThanOrEqual(most);
    },
  );

  test.each([
    ['cannot be reached', Object.assign(new Error('refused'), { code: 'ECONNREFUSED' })],
    ['is starting up', Object.assign(new Error('starting'), { code: '57P03' })],
    ['breaks at every COMMIT', new CommitInDoubt('lost')],
  ])(
    'when it %s for longer than anyone waits, then every order is told 503 with Retry-After',
    async (_what, error) => {
      const from = performance.now();
      const outcomes = await runBatch(failing(error).db, orders, settings);
      expect(performance.now() - from).toBeLessThan(5_000);
      for (const outcome of outcomes) {
        expect(outcome).toMatchObject({ code: 'unavailable' });
        expect((outcome as Problem).retryAfter).toBeGreaterThan(0);
      }
    },
  );
});
