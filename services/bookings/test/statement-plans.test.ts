import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { insertScreening } from '@movie-ticketing/catalog/testing/builders';
import { makeDatabase } from '@movie-ticketing/kit/database';
import type { SessionSettings } from '@movie-ticketing/kit/database-session';
import { silentLogger } from '@movie-ticketing/kit/testing/api';

import { runBatch } from '../src/batch/run-batch.ts';
import { makeSeatsRepository } from '../src/seats/seats.repository.ts';
import { batchSettings, bookingRequest, resultName } from '../testing/booking-requests.ts';
import { startBookingsSystem, type BookingsSystem } from '../testing/system.ts';

let system: BookingsSystem;
beforeEach(async () => {
  system = await startBookingsSystem({ processes: 0 });
});
afterEach(() => system.stop());

/** The rows of whole tables that batches with keys have read, on one connection that began with empty tables. */
const rowsScanned = async (settings: Partial<SessionSettings>): Promise<number> => {
  const { id: screeningId } = await insertScreening(system.db, { total_seats: 1_000 });
  const { id: userId } = await system.user();
  const db = makeDatabase({
    url: system.databaseUrl,
    role: 'mt_bookings',
    poolSize: 1,
    logger: silentLogger,
    applicationName: 'test-plans',
    settings,
  });
  try {
    for (let batch = 0; batch < 20; batch += 1) {
      const requests = [1, 2, 3].map((request) =>
        bookingRequest({ userId, screeningId }, `key-${String(batch)}-${String(request)}`),
      );
      const results = await runBatch(db, requests, { ...batchSettings, limits: undefined });
      expect(results.map(resultName)).toEqual(['booked', 'booked', 'booked']);
    }
    await db.query('SELECT pg_stat_force_next_flush()');
    const [found] = await db.query<{ rows: number }>(
      "SELECT sum(seq_tup_read)::int AS rows FROM pg_stat_user_tables WHERE relname LIKE 'bookings%'",
    );
    return found?.rows ?? Number.NaN;
  } finally {
    await db.close();
  }
};

test('reads no table as a whole, though its statements were planned while the tables were empty', async () => {
  expect(await rowsScanned({})).toBe(0);
});

test('the statement that locks screenings is planned once, not for each batch', async () => {
  const { id } = await insertScreening(system.db);
  const plans = await system.db.transaction(async (tx) => {
    for (let time = 0; time < 20; time += 1) await makeSeatsRepository(tx).lock([id]);
    return tx.query<{ generic: number }>(
      `SELECT generic_plans AS generic FROM pg_prepared_statements WHERE name = 'bookings.seats.lock'`,
    );
  });
  expect(plans[0]?.generic).toBeGreaterThan(0);
});

test('control: a pool that may read whole tables reads every stored key for each batch', async () => {
  expect(await rowsScanned({ enable_seqscan: 'on' })).toBeGreaterThan(0);
});
