import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Database } from '@movie-ticketing/kit/database';

import { insertScreening, insertUser } from '@movie-ticketing/catalog/testing/builders';
import { makeBatchRepository } from '../src/batch/batch.repository.ts';
import { runBatch } from '../src/batch/run-batch.ts';
import {
  batchSettings,
  bookingRequest,
  resultName,
  serviceDatabase,
} from '../testing/booking-requests.ts';
import { expectPromisesKept } from '../testing/promises.ts';
import { lockScreenings } from '../testing/row-lock.ts';
import { startBookingsSystem, type BookingsSystem, type TestUser } from '../testing/system.ts';

describe('a batch with one bad request', () => {
  let system: BookingsSystem;
  let db: Database;
  let user: TestUser;
  let screeningId: number;
  beforeAll(async () => {
    system = await startBookingsSystem({ processes: 0 });
    db = serviceDatabase(system.databaseUrl);
    [user] = (await system.users(1)) as [TestUser];
    screeningId = (await insertScreening(system.db, { total_seats: 10_000 })).id;
  });
  afterAll(async () => {
    await db.close();
    await system.stop();
  });

  const run = async (requests: Parameters<typeof runBatch>[1]) => {
    const results = await runBatch(db, requests, batchSettings);
    await expectPromisesKept(system.db);
    return results;
  };
  const good = (numTickets = 1, key?: string) =>
    bookingRequest({ userId: user.id, screeningId, numTickets }, key);

  test('refuses only the request of a deleted user whose token is still valid', async () => {
    const gone = await insertUser(system.db, { deleted_at: new Date() });
    const results = await run([good(), bookingRequest({ userId: gone.id, screeningId }), good()]);
    expect(results.map(resultName)).toEqual(['booked', 'unauthenticated', 'booked']);
  });

  test('refuses only the request of a user that does not exist, before the foreign key fails', async () => {
    const results = await run([
      good(),
      bookingRequest({ userId: 999_999_999, screeningId }),
      good(),
    ]);
    expect(results.map(resultName)).toEqual(['booked', 'unauthenticated', 'booked']);
  });

  test('control: the insert of a booking of a missing user fails the whole batch', async () => {
    const gone = { ...bookingRequest({ userId: 999_999_999, screeningId }), id: 1 };
    const now = new Date();
    const row = (it: typeof gone, id: number) => ({
      ...it,
      id,
      status: 'pending' as const,
      totalMinor: 1_500,
      currency: 'USD',
      createdAt: now,
      expiresAt: now,
      promoCodeId: null,
      tickets: [],
    });
    const naive = db.attempt((tx) => {
      makeBatchRepository(tx).write(
        [row({ ...good(), id: 2 }, 1_000_001), row(gone, 1_000_002)],
        [],
        new Map(),
      );
      return Promise.resolve();
    });
    await expect(naive).rejects.toMatchObject({ code: '23503' });
  });

  test('refuses a deleted user who repeats a booking with its key', async () => {
    const [leaver] = await system.users(1);
    const first = bookingRequest({ userId: leaver!.id, screeningId }, 'before-leaving');
    expect((await run([first])).map(resultName)).toEqual(['booked']);
    await system.db.query(
      'UPDATE users SET email = NULL, canonical_email = NULL, password_hash = NULL, deleted_at = clock_timestamp() WHERE id = $1',
      [leaver!.id],
    );
    const again = bookingRequest({ userId: leaver!.id, screeningId }, 'before-leaving');
    expect((await run([good(), again])).map(resultName)).toEqual(['booked', 'unauthenticated']);
  });

  test('refuses only the request whose key was used with another body', async () => {
    await run([good(1, 'used')]);
    const results = await run([good(), good(2, 'used'), good(1, 'used'), good()]);
    expect(results.map(resultName)).toEqual([
      'booked',
      'idempotency_key_reused',
      'replayed',
      'booked',
    ]);
  });

  test('books the first of two requests with one key, replays the second, and refuses another body', async () => {
    const results = await run([good(1, 'repeat'), good(1, 'repeat'), good(3, 'repeat'), good()]);
    expect(results.map(resultName)).toEqual([
      'booked',
      'replayed',
      'idempotency_key_reused',
      'booked',
    ]);
    const [first, repeat] = results;
    expect(repeat).toEqual({ ...first, kind: 'replayed' });
  });

  test('refuses requests for missing, cancelled and started screenings and books the others', async () => {
    const cancelled = await insertScreening(system.db, { status: 'cancelled' });
    const began = await insertScreening(system.db, { starts_at: new Date(Date.now() - 1_000) });
    const results = await run([
      good(),
      bookingRequest({ userId: user.id, screeningId: 999_999_999 }),
      bookingRequest({ userId: user.id, screeningId: cancelled.id }),
      bookingRequest({ userId: user.id, screeningId: began.id }),
      good(),
    ]);
    expect(results.map(resultName)).toEqual([
      'booked',
      'not_found',
      'screening_cancelled',
      'screening_started',
      'booked',
    ]);
  });

  test('responses requests for a screening that stays locked with 503 and Retry-After and books the others', async () => {
    const [one, other] = [await insertScreening(system.db), await insertScreening(system.db)];
    const lock = await lockScreenings(system.databaseUrl, [one.id, other.id]);
    const results = await runBatch(
      db,
      [
        good(),
        bookingRequest({ userId: user.id, screeningId: one.id }),
        bookingRequest({ userId: user.id, screeningId: other.id }),
        good(),
      ],
      batchSettings,
    );
    await lock.release();
    expect(results.map(resultName)).toEqual(['booked', 'overloaded', 'overloaded', 'booked']);
    expect(results[1]).toMatchObject({ retryAfter: 1 });
    await expectPromisesKept(system.db);
  });
});

describe('a booking that fails unexpectedly', () => {
  let system: BookingsSystem;
  let db: Database;
  beforeAll(async () => {
    system = await startBookingsSystem({ processes: 0 });
    db = serviceDatabase(system.databaseUrl);
    await system.db.query(
      'ALTER TABLE bookings ADD CONSTRAINT unexpected_refusal CHECK (num_tickets <> 7)',
    );
  });
  afterAll(async () => {
    await db.close();
    await system.stop();
  });

  test.each([
    [1, [0]],
    [2, [1]],
    [9, [4]],
    [100, [0, 57, 99]],
    [500, [123, 124]],
  ])(
    'in a batch of %i: the batch is halved until the request fails alone, and the others are booked',
    async (size, bad) => {
      const screening = await insertScreening(system.db, { total_seats: 1_000 });
      const [user] = await system.users(1);
      const requests = Array.from({ length: size }, (_, index) =>
        bookingRequest({
          userId: user!.id,
          screeningId: screening.id,
          numTickets: bad.includes(index) ? 7 : 1,
        }),
      );
      const results = (await runBatch(db, requests, batchSettings)).map(resultName);
      expect(results).toEqual(
        requests.map((_, index) => (bad.includes(index) ? 'internal' : 'booked')),
      );
      expect(await system.seatsOf(screening.id)).toBe(1_000 - size + bad.length);
      await expectPromisesKept(system.db);
    },
  );

  test('stores each key of the other requests once and leaves its own unused', async () => {
    const screening = await insertScreening(system.db, { total_seats: 100 });
    const [user] = await system.users(1);
    const request = (numTickets: number, key: string) =>
      bookingRequest({ userId: user!.id, screeningId: screening.id, numTickets }, key);
    const keyed = () => [request(1, 'a'), request(7, 'b'), request(2, 'c'), request(1, 'a')];
    const first = (await runBatch(db, keyed(), batchSettings)).map(resultName);
    expect(first).toEqual(['booked', 'internal', 'booked', 'replayed']);
    await system.db.query('ALTER TABLE bookings DROP CONSTRAINT unexpected_refusal');
    const second = (await runBatch(db, keyed(), batchSettings)).map(resultName);
    expect(second).toEqual(['replayed', 'booked', 'replayed', 'replayed']);
    await expectPromisesKept(system.db);
  });
});
