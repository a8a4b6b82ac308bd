import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

import { insertScreening } from '@movie-ticketing/catalog/testing/builders';
import { untilWaiting } from '../../catalog/testing/lock-waits.ts';
import { as, hold, tally } from '../testing/clients.ts';
import { expectPromisesKept } from '../testing/promises.ts';
import { lockScreenings, openTransaction } from '../testing/row-lock.ts';
import { startBookingsSystem, type BookingsSystem, type Person } from '../testing/system.ts';

describe('one key, several requests in flight', () => {
  let system: BookingsSystem;
  let person: Person;
  let keys = 0;
  const newKey = (): string => `key-${String((keys += 1))}`;
  beforeAll(async () => {
    system = await startBookingsSystem({ processes: 2 });
    [person] = (await system.people(1)) as [Person];
  });
  afterAll(() => system.stop());

  test.each([
    ['one process', [0, 0, 0, 0]],
    ['two processes', [0, 1, 0, 1]],
  ])(
    'when a booking is repeated while it is in flight at %s, then it is made once and every answer is the same',
    async (_where, processes) => {
      const screening = await insertScreening(system.db);
      for (let round = 0; round < 10; round += 1) {
        const key = newKey();
        const answers = await Promise.all(
          processes.map((at) => as(system.servers[at]!.api, person).book(screening.id, 2, key)),
        );
        expect(answers.map(({ status }) => status)).toEqual([201, 201, 201, 201]);
        expect(new Set(answers.map(({ body }) => body.booking.reference)).size).toBe(1);
        const replays = answers.filter(({ headers }) => headers.has('idempotent-replayed'));
        expect(replays).toHaveLength(3);
      }
      expect(await system.seatsOf(screening.id)).toBe(80);
      await expectPromisesKept(system.db);
    },
  );

  test('when the same key comes with another body, then 422 and nothing is booked for it', async () => {
    const screening = await insertScreening(system.db);
    const key = newKey();
    const client = as(system.server.api, person);
    expect((await client.book(screening.id, 1, key)).status).toBe(201);
    const other = await client.book(screening.id, 2, key);
    expect(other).toMatchObject({ status: 422, body: { code: 'idempotency_key_reused' } });
    expect(await system.seatsOf(screening.id)).toBe(99);
  });

  test('when two bodies race for one key in two processes, over screenings that share no lock, then one is booked and the other is 422', async () => {
    const [one, other] = [await insertScreening(system.db), await insertScreening(system.db)];
    const key = newKey();
    // Both wait for their locks, so that both looked for the key before either stored it.
    const locks = await lockScreenings(system.databaseUrl, [one.id, other.id]);
    const answers = [
      as(system.servers[0]!.api, person).book(one.id, 1, key),
      as(system.servers[1]!.api, person).book(other.id, 1, key),
    ];
    await untilWaiting(system.db, 2);
    await locks.release();
    expect(tally(await Promise.all(answers))).toEqual({
      '201': 1,
      '422 idempotency_key_reused': 1,
    });
    expect((await system.seatsOf(one.id)) + (await system.seatsOf(other.id))).toBe(199);
    await expectPromisesKept(system.db);
  });

  test('when the first request with a key was refused, then the key is free for a better one', async () => {
    const full = await insertScreening(system.db, { total_seats: 1 });
    await hold(system, person, full.id);
    const screening = await insertScreening(system.db);
    const key = newKey();
    const client = as(system.server.api, person);
    expect((await client.book(full.id, 1, key)).body.code).toBe('not_enough_seats');
    const second = await client.book(screening.id, 1, key);
    expect(second.status).toBe(201);
    expect(second.headers.has('idempotent-replayed')).toBe(false);
  });

  test('when two people use the same key, then each has their own booking', async () => {
    const screening = await insertScreening(system.db);
    const [other] = await system.people(1);
    const key = newKey();
    const mine = await as(system.server.api, person).book(screening.id, 1, key);
    const theirs = await as(system.server.api, other!).book(screening.id, 1, key);
    expect([mine.status, theirs.status]).toEqual([201, 201]);
    expect(mine.body.booking.id).not.toBe(theirs.body.booking.id);
  });

  test('when a cancel is repeated with its key while in flight, then both are told it is cancelled and the seats come back once', async () => {
    const screening = await insertScreening(system.db);
    for (let round = 0; round < 10; round += 1) {
      const { id } = await hold(system, person, screening.id, 3);
      const key = newKey();
      const answers = await Promise.all(
        system.servers.map(({ api }) => as(api, person).cancel(id, key)),
      );
      expect(tally(answers)).toEqual({ '200': 2 });
      expect(answers.filter(({ headers }) => headers.has('idempotent-replayed'))).toHaveLength(1);
    }
    expect(await system.seatsOf(screening.id)).toBe(100);
    await expectPromisesKept(system.db);
  });

  test('when a payment is repeated with its key while in flight, then it is charged once and both are told it succeeded', async () => {
    const screening = await insertScreening(system.db);
    for (let round = 0; round < 10; round += 1) {
      const { id } = await hold(system, person, screening.id);
      const key = newKey();
      const answers = await Promise.all(
        system.servers.map(({ api }) => as(api, person).pay(id, undefined, key)),
      );
      expect(tally(answers)).toEqual({ '200': 2 });
      expect(new Set(answers.map(({ body }) => body.payment.id)).size).toBe(1);
    }
    await expectPromisesKept(system.db);
  });

  test('when one key is used at once to pay for two bookings, then one is charged and the other is 422', async () => {
    const screening = await insertScreening(system.db);
    const [one, other] = [
      await hold(system, person, screening.id),
      await hold(system, person, screening.id),
    ];
    const key = newKey();
    const answers = await Promise.all([
      as(system.servers[0]!.api, person).pay(one.id, undefined, key),
      as(system.servers[1]!.api, person).pay(other.id, undefined, key),
    ]);
    expect(tally(answers)).toEqual({ '200': 1, '422 idempotency_key_reused': 1 });
    const charged = await system.db.query('SELECT FROM payments WHERE booking_id = ANY($1)', [
      [one.id, other.id],
    ]);
    expect(charged).toHaveLength(1);
    await expectPromisesKept(system.db);
  });
});

describe('control: a key that is looked for but not claimed', () => {
  test('when two repeats look before either books, then the booking is made twice', async () => {
    const system = await startBookingsSystem({ processes: 0 });
    try {
      const screening = await insertScreening(system.db);
      const [person] = await system.people(1);
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
            [person!.id, screening.id],
          );
          await tx.query(
            `INSERT INTO bookings_idempotency_keys (user_id, scope, key, request_hash, booking_id, outcome)
             VALUES ($1, 'POST /bookings', 'k', '', $2, 'pending')`,
            [person!.id, made!.id],
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
