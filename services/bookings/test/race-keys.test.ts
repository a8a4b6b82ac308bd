import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

import { insertScreening } from '@movie-ticketing/catalog/testing/builders';
import { untilWaiting } from '../../catalog/testing/lock-waits.ts';
import { as, hold, countResponses } from '../testing/clients.ts';
import { expectPromisesKept } from '../testing/promises.ts';
import { lockScreenings, openTransaction } from '../testing/row-lock.ts';
import { startBookingsSystem, type BookingsSystem, type TestUser } from '../testing/system.ts';

describe('one key in several requests at the same time', () => {
  let system: BookingsSystem;
  let user: TestUser;
  let keys = 0;
  const newKey = (): string => `key-${String((keys += 1))}`;
  beforeAll(async () => {
    system = await startBookingsSystem({ processes: 2 });
    [user] = (await system.users(1)) as [TestUser];
  });
  afterAll(() => system.stop());

  test.each([
    ['one process', [0, 0, 0, 0]],
    ['two processes', [0, 1, 0, 1]],
  ])(
    'repeats in flight at %s make one booking and get the same response',
    async (_where, processes) => {
      const screening = await insertScreening(system.db);
      for (let round = 0; round < 10; round += 1) {
        const key = newKey();
        const responses = await Promise.all(
          processes.map((at) => as(system.servers[at]!.api, user).book(screening.id, 2, key)),
        );
        expect(responses.map(({ status }) => status)).toEqual([201, 201, 201, 201]);
        expect(new Set(responses.map(({ body }) => body.booking.reference)).size).toBe(1);
        const replays = responses.filter(({ headers }) => headers.has('idempotent-replayed'));
        expect(replays).toHaveLength(3);
      }
      expect(await system.seatsOf(screening.id)).toBe(80);
      await expectPromisesKept(system.db);
    },
  );

  test('rejects the same key with another body with 422 and books nothing for it', async () => {
    const screening = await insertScreening(system.db);
    const key = newKey();
    const client = as(system.server.api, user);
    expect((await client.book(screening.id, 1, key)).status).toBe(201);
    const other = await client.book(screening.id, 2, key);
    expect(other).toMatchObject({ status: 422, body: { code: 'idempotency_key_reused' } });
    expect(await system.seatsOf(screening.id)).toBe(99);
  });

  test('two bodies with one key in two processes, for screenings that share no lock: one is booked, the other gets 422', async () => {
    const [one, other] = [await insertScreening(system.db), await insertScreening(system.db)];
    const key = newKey();
    // Both wait for their locks, so both have looked for the key before one stores it.
    const locks = await lockScreenings(system.databaseUrl, [one.id, other.id]);
    const responses = [
      as(system.servers[0]!.api, user).book(one.id, 1, key),
      as(system.servers[1]!.api, user).book(other.id, 1, key),
    ];
    await untilWaiting(system.db, 2);
    await locks.release();
    expect(countResponses(await Promise.all(responses))).toEqual({
      '201': 1,
      '422 idempotency_key_reused': 1,
    });
    expect((await system.seatsOf(one.id)) + (await system.seatsOf(other.id))).toBe(199);
    await expectPromisesKept(system.db);
  });

  test('the key of a refused request can be used again', async () => {
    const full = await insertScreening(system.db, { total_seats: 1 });
    await hold(system, user, full.id);
    const screening = await insertScreening(system.db);
    const key = newKey();
    const client = as(system.server.api, user);
    expect((await client.book(full.id, 1, key)).body.code).toBe('not_enough_seats');
    const second = await client.book(screening.id, 1, key);
    expect(second.status).toBe(201);
    expect(second.headers.has('idempotent-replayed')).toBe(false);
  });

  test('two users with the same key: each has their own booking', async () => {
    const screening = await insertScreening(system.db);
    const [other] = await system.users(1);
    const key = newKey();
    const mine = await as(system.server.api, user).book(screening.id, 1, key);
    const theirs = await as(system.server.api, other!).book(screening.id, 1, key);
    expect([mine.status, theirs.status]).toEqual([201, 201]);
    expect(mine.body.booking.id).not.toBe(theirs.body.booking.id);
  });

  test('two cancellations with one key at the same time both succeed and release the seats once', async () => {
    const screening = await insertScreening(system.db);
    for (let round = 0; round < 10; round += 1) {
      const { id } = await hold(system, user, screening.id, 3);
      const key = newKey();
      const responses = await Promise.all(
        system.servers.map(({ api }) => as(api, user).cancel(id, key)),
      );
      expect(countResponses(responses)).toEqual({ '200': 2 });
      expect(responses.filter(({ headers }) => headers.has('idempotent-replayed'))).toHaveLength(1);
    }
    expect(await system.seatsOf(screening.id)).toBe(100);
    await expectPromisesKept(system.db);
  });

  test('two payments with one key at the same time both succeed with one charge', async () => {
    const screening = await insertScreening(system.db);
    for (let round = 0; round < 10; round += 1) {
      const { id } = await hold(system, user, screening.id);
      const key = newKey();
      const responses = await Promise.all(
        system.servers.map(({ api }) => as(api, user).pay(id, undefined, key)),
      );
      expect(countResponses(responses)).toEqual({ '200': 2 });
      expect(new Set(responses.map(({ body }) => body.payment.id)).size).toBe(1);
    }
    await expectPromisesKept(system.db);
  });

  test('one key for payments of two bookings at the same time: one is charged, the other gets 422', async () => {
    const screening = await insertScreening(system.db);
    const [one, other] = [
      await hold(system, user, screening.id),
      await hold(system, user, screening.id),
    ];
    const key = newKey();
    const responses = await Promise.all([
      as(system.servers[0]!.api, user).pay(one.id, undefined, key),
      as(system.servers[1]!.api, user).pay(other.id, undefined, key),
    ]);
    expect(countResponses(responses)).toEqual({ '200': 1, '422 idempotency_key_reused': 1 });
    const charged = await system.db.query('SELECT FROM payments WHERE booking_id = ANY($1)', [
      [one.id, other.id],
    ]);
    expect(charged).toHaveLength(1);
    await expectPromisesKept(system.db);
  });
});

describe('control: a key that is looked up but not claimed', () => {
  test('two repeats that both look before they book make two bookings', async () => {
    const system = await startBookingsSystem({ processes: 0 });
    try {
      const screening = await insertScreening(system.db);
      const [user] = await system.users(1);
      await system.db.query(
        'ALTER TABLE bookings_idempotency_keys DROP CONSTRAINT bookings_idempotency_keys_pkey',
      );
      const book = async () => {
        const tx = await openTransaction(system.databaseUrl);
        const known = await tx.query(`SELECT FROM bookings_idempotency_keys WHERE key = 'k'`);
        return async () => {
          expect(known).toHaveLength(0);
          const [made] = await tx.query<{ id: number }>(
            `INSERT INTO bookings (reference, user_id, screening_id, num_tickets, total_minor, currency, created_at, expires_at)
             VALUES (left(gen_random_uuid()::text, 20), $1, $2, 1, 1500, 'USD', clock_timestamp(), clock_timestamp() + interval '1 hour') RETURNING id`,
            [user!.id, screening.id],
          );
          await tx.query(
            `INSERT INTO bookings_idempotency_keys (user_id, scope, key, request_hash, booking_id, outcome)
             VALUES ($1, 'POST /bookings', 'k', '', $2, 'pending')`,
            [user!.id, made!.id],
          );
          await tx.commit();
        };
      };
      const [first, second] = [await book(), await book()];
      await first();
      await second();
      const made = await system.db.query('SELECT FROM bookings');
      expect(made).toHaveLength(2);
    } finally {
      await system.stop();
    }
  });
});
