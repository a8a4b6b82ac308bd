import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

import { insertScreening } from '@movie-ticketing/catalog/testing/builders';
import { as, inParallel, countResponses } from '../testing/clients.ts';
import { expectLedger, expectPromisesKept } from '../testing/promises.ts';
import { openTransaction } from '../testing/row-lock.ts';
import { startBookingsSystem, type BookingsSystem } from '../testing/system.ts';

describe('the last seats of a screening', () => {
  let system: BookingsSystem;
  beforeAll(async () => {
    system = await startBookingsSystem({ processes: 3 });
  });
  afterAll(() => system.stop());

  test('500 users book 50 seats at 3 processes: 50 get one, the others are refused', async () => {
    const screening = await insertScreening(system.db, { total_seats: 50 });
    const users = await system.users(500);
    const responses = await inParallel(
      96,
      users.map((user, index) => () => {
        const { api } = system.servers[index % 3]!;
        return as(api, user).book(screening.id);
      }),
    );
    expect(countResponses(responses)).toEqual({ '201': 50, '409 not_enough_seats': 450 });
    expect(await system.seatsOf(screening.id)).toBe(0);
    await expectLedger(system.db, responses);
    await expectPromisesKept(system.db);
  });

  test('requests of mixed sizes: only requests that do not fit are refused and nothing is oversold', async () => {
    const screening = await insertScreening(system.db, { total_seats: 37 });
    const users = await system.users(60);
    const responses = await inParallel(
      60,
      users.map((user, index) => () => {
        const { api } = system.servers[index % 3]!;
        return as(api, user).book(screening.id, (index % 4) + 1);
      }),
    );
    const sold = responses
      .filter(({ status }) => status === 201)
      .reduce((sum, { body }) => sum + Number(body.booking.num_tickets), 0);
    expect(sold).toBeLessThanOrEqual(37);
    expect(await system.seatsOf(screening.id)).toBe(37 - sold);
    // 60 requests for 150 seats: fewer seats are left than the smallest refused request asked for.
    expect(37 - sold).toBeLessThan(4);
    await expectPromisesKept(system.db);
  });
});

describe('control: the last seat without the lock', () => {
  test('two users who both read before they write buy the same seat', async () => {
    const system = await startBookingsSystem();
    try {
      const screening = await insertScreening(system.db, { total_seats: 1 });
      const [one, other] = await system.users(2);
      const buy = async (userId: number) => {
        const tx = await openTransaction(system.databaseUrl);
        // Read, then write what was computed: no lock in between.
        const [row] = await tx.query<{ available_seats: number }>(
          'SELECT available_seats FROM screenings WHERE id = $1',
          [screening.id],
        );
        return async () => {
          await tx.query(
            `INSERT INTO bookings (reference, user_id, screening_id, num_tickets, total_minor, currency, created_at, expires_at)
             VALUES (gen_random_uuid()::text::varchar(32), $1, $2, 1, 1500, 'USD', clock_timestamp(), clock_timestamp() + interval '15 minutes')`,
            [userId, screening.id],
          );
          await tx.query('UPDATE screenings SET available_seats = $2 WHERE id = $1', [
            screening.id,
            row!.available_seats - 1,
          ]);
          await tx.commit();
        };
      };
      const first = await buy(one!.id);
      const second = await buy(other!.id);
      await first();
      await second();
      await expect(expectPromisesKept(system.db)).rejects.toThrow(
        'every seat is available or belongs to exactly one live booking',
      );
    } finally {
      await system.stop();
    }
  });
});
