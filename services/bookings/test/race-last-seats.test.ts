import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

import { insertScreening } from '@movie-ticketing/catalog/testing/builders';
import { as, inParallel, tally } from '../testing/clients.ts';
import { expectLedger, expectPromisesKept } from '../testing/promises.ts';
import { openTransaction } from '../testing/row-lock.ts';
import { startBookingsSystem, type BookingsSystem } from '../testing/system.ts';

describe('the last seats, wanted by many', () => {
  let system: BookingsSystem;
  beforeAll(async () => {
    system = await startBookingsSystem({ processes: 3 });
  });
  afterAll(() => system.stop());

  test('when 500 people want 50 seats through 3 processes, then exactly 50 get one and the others are told', async () => {
    const screening = await insertScreening(system.db, { total_seats: 50 });
    const people = await system.people(500);
    const answers = await inParallel(
      96,
      people.map((person, index) => () => {
        const { api } = system.servers[index % 3]!;
        return as(api, person).book(screening.id);
      }),
    );
    expect(tally(answers)).toEqual({ '201': 50, '409 not_enough_seats': 450 });
    expect(await system.seatsOf(screening.id)).toBe(0);
    await expectLedger(system.db, answers);
    await expectPromisesKept(system.db);
  });

  test('when orders of mixed sizes meet, then what was refused did not fit and nothing is oversold', async () => {
    const screening = await insertScreening(system.db, { total_seats: 37 });
    const people = await system.people(60);
    const answers = await inParallel(
      60,
      people.map((person, index) => () => {
        const { api } = system.servers[index % 3]!;
        return as(api, person).book(screening.id, (index % 4) + 1);
      }),
    );
    const sold = answers
      .filter(({ status }) => status === 201)
      .reduce((sum, { body }) => sum + Number(body.booking.num_tickets), 0);
    expect(sold).toBeLessThanOrEqual(37);
    expect(await system.seatsOf(screening.id)).toBe(37 - sold);
    // 60 orders want 150 seats: what is left over is less than the smallest refused one wanted.
    expect(37 - sold).toBeLessThan(4);
    await expectPromisesKept(system.db);
  });
});

describe('control: the last seat without the lock', () => {
  test('when two buyers read before either writes, then one seat is sold twice', async () => {
    const system = await startBookingsSystem();
    try {
      const screening = await insertScreening(system.db, { total_seats: 1 });
      const [one, other] = await system.people(2);
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
