import { describe, expect, test } from '@jest/globals';

import type { Database } from '@movie-ticketing/kit/database';

import {
  drawnPlan,
  insertPromoCode,
  insertScreening,
  insertSeatedScreening,
} from '@movie-ticketing/catalog/testing/builders';
import { until } from '@movie-ticketing/kit/testing/until';
import { untilWaiting } from '../../catalog/testing/lock-waits.ts';
import { as, inParallel } from '../testing/clients.ts';
import { expectLedger, expectPromisesKept } from '../testing/promises.ts';
import { lockScreenings, openTransaction } from '../testing/row-lock.ts';
import { startBookingsSystem } from '../testing/system.ts';

const deadlocks = async (db: Database): Promise<number> => {
  const [row] = await db.query<{ deadlocks: number }>(
    'SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()',
  );
  return row?.deadlocks ?? Number.NaN;
};

const rows = ['ssssssssss', 'ssssssssss', 'ssssssssss', 'ssssssssss'];

describe('many screenings at the same time', () => {
  test('three processes that book, pay, cancel and expire in the same screenings do not deadlock', async () => {
    const system = await startBookingsSystem({ processes: 3, env: { HOLD_MINUTES: '0.01' } });
    try {
      const screenings: { id: number }[] = [];
      for (let i = 0; i < 6; i += 1) {
        screenings.push(await insertScreening(system.db));
        screenings.push(await insertSeatedScreening(system.db, drawnPlan(rows)));
      }
      const { code } = await insertPromoCode(system.db);
      const { code: other } = await insertPromoCode(system.db);
      const users = await system.users(40);
      const before = await deadlocks(system.db);
      const journeys = Array.from({ length: 400 }, (_, index) => async () => {
        const client = as(system.servers[index % 3]!.api, users[index % 40]!);
        // Batches collect screenings in every possible order.
        const screening = screenings[(index * 7 + (index >> 3) * 5) % 12]!;
        const booked = await system.servers[index % 3]!.api('POST', '/bookings', {
          token: users[index % 40]!.token,
          body: {
            screening_id: screening.id,
            num_tickets: 1 + (index % 2),
            ...(index % 5 < 2 ? { promo_code: index % 2 === 0 ? code : other } : {}),
          },
        });
        if (booked.status !== 201) return booked;
        const { id } = booked.body.booking;
        if (index % 3 === 0) await client.pay(id, index % 2 === 0 ? undefined : 'tok_declined');
        if (index % 4 === 0) {
          await as(system.servers[(index + 1) % 3]!.api, users[index % 40]!).cancel(id);
        }
        return booked;
      });
      const responses = await inParallel(64, journeys);
      for (const { status } of responses) expect([201, 409]).toContain(status);
      await expectLedger(system.db, responses);
      await until(async () => {
        const held = await system.db.query(`SELECT FROM bookings WHERE status = 'pending'`);
        return held.length === 0;
      });
      // A backend reports what it counted when it ends, at the latest.
      await Promise.all(system.servers.map(({ stop }) => stop()));
      expect(await deadlocks(system.db)).toBe(before);
      await expectPromisesKept(system.db);
    } finally {
      await system.stop();
    }
  });

  test('two batches over the same screenings: one waits for the other and both complete', async () => {
    const system = await startBookingsSystem({ processes: 2 });
    try {
      const [a, b, c] = [
        await insertScreening(system.db),
        await insertScreening(system.db),
        await insertScreening(system.db),
      ];
      const [user] = await system.users(1);
      // The first batch of each process waits here; the next one has both orders of arrival.
      const lock = await lockScreenings(system.databaseUrl, [a.id]);
      const responses = [[a, b, c, a] as const, [a, c, b, a] as const].flatMap((wanted, at) =>
        wanted.map((screening) => as(system.servers[at]!.api, user!).book(screening.id)),
      );
      await untilWaiting(system.db, 2);
      await lock.release();
      const statuses = (await Promise.all(responses)).map(({ status }) => status);
      expect(statuses).toEqual(Array(8).fill(201));
      await expectPromisesKept(system.db);
    } finally {
      await system.stop();
    }
  });

  test('control: two transactions that lock two screenings in opposite orders deadlock', async () => {
    const system = await startBookingsSystem({ processes: 0 });
    try {
      const [a, b] = [await insertScreening(system.db), await insertScreening(system.db)];
      const before = await deadlocks(system.db);
      const [one, other] = [
        await openTransaction(system.databaseUrl),
        await openTransaction(system.databaseUrl),
      ];
      const lock = 'SELECT FROM screenings WHERE id = $1 FOR NO KEY UPDATE';
      await one.query(lock, [a.id]);
      await other.query(lock, [b.id]);
      const outcomes = await Promise.allSettled([
        one.query(lock, [b.id]).finally(one.commit),
        other.query(lock, [a.id]).finally(other.commit),
      ]);
      const failed = outcomes.filter((it) => it.status === 'rejected');
      expect(failed.map(({ reason }) => (reason as { code: string }).code)).toEqual(['40P01']);
      await until(async () => (await deadlocks(system.db)) === before + 1);
    } finally {
      await system.stop();
    }
  });
});
