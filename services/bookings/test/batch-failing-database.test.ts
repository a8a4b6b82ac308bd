import { describe, expect, test } from '@jest/globals';
import type { Database } from '@movie-ticketing/kit/database';
import { CommitInDoubt } from '@movie-ticketing/kit/database-errors';

import { makeSeatLayouts } from '../src/seats/seat-layouts.ts';
import { runBatch } from '../src/batch/run-batch.ts';
import { bookingRequest, resultName } from '../testing/booking-requests.ts';

/** A database whose transactions all fail in the same way, and their number. */
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

const requests = Array.from({ length: 64 }, (_, index) =>
  bookingRequest({ userId: index + 1, screeningId: 1 }),
);
const settings = { holdMs: 900_000, patienceMs: 250, layouts: makeSeatLayouts() };

describe('a database that fails every batch', () => {
  test.each([
    ['out of disk', '53100', 'unavailable', 1],
    ['out of connections', '53300', 'unavailable', 1],
    ['login refused', '28P01', 'unavailable', 1],
    ['a deadlock at every try', '40P01', 'overloaded', 5 * 127],
    ['an unexpected error', '22012', 'internal', 127],
  ])(
    '%s (%s): every request is refused with %s after a bounded number of tries',
    async (_what, code, expected, most) => {
      const { db, attempts } = failing(Object.assign(new Error(code), { code }));
      const results = await runBatch(db, requests, settings);
      expect(new Set(results.map(resultName))).toEqual(new Set([expected]));
      expect(results).toHaveLength(64);
      expect(attempts()).toBeLessThanOrEqual(most);
    },
  );

  test.each([
    ['cannot be reached', Object.assign(new Error('refused'), { code: 'ECONNREFUSED' })],
    ['is starting up', Object.assign(new Error('starting'), { code: '57P03' })],
    ['loses its connection at every COMMIT', new CommitInDoubt('lost')],
  ])(
    'refuses every request with 503 and Retry-After if the database %s for too long',
    async (_what, error) => {
      const from = performance.now();
      const results = await runBatch(failing(error).db, requests, settings);
      expect(performance.now() - from).toBeLessThan(5_000);
      for (const result of results) {
        expect(result).toMatchObject({ code: 'unavailable', retryAfter: 2 });
      }
    },
  );
});
