import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

import { insertScreening } from '@movie-ticketing/catalog/testing/builders';
import { until } from '@movie-ticketing/kit/testing/until';
import { insertBooking } from '../testing/booking-rows.ts';
import { as, hold, countResponses } from '../testing/clients.ts';
import { expectPromisesKept } from '../testing/promises.ts';
import { openTransaction } from '../testing/row-lock.ts';
import { startBookingsSystem, type BookingsSystem, type TestUser } from '../testing/system.ts';

describe('paying and cancelling at the same time', () => {
  let system: BookingsSystem;
  let user: TestUser;
  beforeAll(async () => {
    system = await startBookingsSystem({ processes: 2 });
    [user] = (await system.users(1)) as [TestUser];
  });
  afterAll(() => system.stop());

  const each = <T>(count: number, round: (index: number) => Promise<T>): Promise<T[]> =>
    Promise.all(Array.from({ length: count }, (_, index) => round(index)));

  test('a payment and a cancellation at the same time keep money only for a confirmed booking', async () => {
    const screening = await insertScreening(system.db, { total_seats: 100 });
    const rounds = await each(40, async (index) => {
      const { id } = await hold(system, user, screening.id);
      const pay = () => as(system.servers[index % 2]!.api, user).pay(id);
      const cancel = () => as(system.servers[(index + 1) % 2]!.api, user).cancel(id);
      const [paid, cancelled] = await Promise.all(
        index % 2 === 0 ? [pay(), cancel()] : [cancel(), pay()].reverse(),
      );
      return { id, paid: paid!, cancelled: cancelled! };
    });
    const paid = countResponses(rounds.map((it) => it.paid));
    const cancelled = countResponses(rounds.map((it) => it.cancelled));
    for (const outcome of Object.keys(paid)) {
      expect(['200', '409 booking_cancelled']).toContain(outcome);
    }
    for (const outcome of Object.keys(cancelled)) {
      expect(['200', '409 payment_processing']).toContain(outcome);
    }
    // Every refund is confirmed before the audit.
    await until(async () => {
      const open = await system.db.query(`SELECT FROM payments WHERE status = 'refund_pending'`);
      return open.length === 0;
    });
    for (const round of rounds) {
      const { status } = (await as(system.server.api, user).booking(round.id)).body.booking;
      if (round.cancelled.status !== 200) expect(status).toBe('confirmed');
      else if (round.paid.status === 200) expect(status).toBe('refunded');
      else expect(status).toBe('cancelled');
    }
    await expectPromisesKept(system.db);
  });

  test('two payments of one booking at the same time: one is charged, the other is refused', async () => {
    const screening = await insertScreening(system.db, { total_seats: 100 });
    const rounds = await each(20, async () => {
      const { id } = await hold(system, user, screening.id);
      const [one, other] = await Promise.all(
        system.servers.map(({ api }) => as(api, user).pay(id)),
      );
      return [one!, other!].sort((a, b) => a.status - b.status);
    });
    expect(countResponses(rounds.map(([first]) => first!))).toEqual({ '200': 20 });
    for (const [, second] of rounds) {
      expect(['payment_processing', 'booking_already_paid']).toContain(second!.body.code);
    }
    await expectPromisesKept(system.db);
  });

  test('two cancellations at the same time release the seats once', async () => {
    const screening = await insertScreening(system.db, { total_seats: 100 });
    const rounds = await each(20, async (index) => {
      const { id } = await hold(system, user, screening.id, 2);
      if (index % 2 === 0) await as(system.server.api, user).pay(id);
      return Promise.all(system.servers.map(({ api }) => as(api, user).cancel(id)));
    });
    expect(countResponses(rounds.flat())).toEqual({ '200': 20, '409 booking_cancelled': 20 });
    expect(await system.seatsOf(screening.id)).toBe(100);
    await expectPromisesKept(system.db);
  });
});

describe('control: without the lock or the constraint', () => {
  let system: BookingsSystem;
  beforeAll(async () => {
    system = await startBookingsSystem({ processes: 0 });
  });
  afterAll(() => system.stop());

  const pendingBooking = async () => {
    const screening = await insertScreening(system.db, { total_seats: 10, available_seats: 9 });
    const [user] = await system.users(1);
    const { id } = await insertBooking(system.db, {
      user_id: user!.id,
      screening_id: screening.id,
    });
    return { id, screeningId: screening.id };
  };

  test('two cancellations that both read before they write release the seats twice', async () => {
    const { id, screeningId } = await pendingBooking();
    const cancel = async () => {
      const tx = await openTransaction(system.databaseUrl);
      const [row] = await tx.query<{ status: string }>(
        'SELECT status FROM bookings WHERE id = $1',
        [id],
      );
      return async () => {
        expect(row!.status).toBe('pending');
        await tx.query(`UPDATE bookings SET status = 'cancelled' WHERE id = $1`, [id]);
        await tx.query(
          'UPDATE screenings SET available_seats = least(total_seats, available_seats + 1) WHERE id = $1',
          [screeningId],
        );
        await tx.commit();
      };
    };
    // Another ticket is sold, so that a second release is possible.
    await system.db.query('UPDATE screenings SET available_seats = 8 WHERE id = $1', [screeningId]);
    const [first, second] = [await cancel(), await cancel()];
    await first();
    await second();
    expect(await system.seatsOf(screeningId)).toBe(10);
  });

  test('without the unique index two payments that read at the same time both charge', async () => {
    const { id } = await pendingBooking();
    await system.db.query('DROP INDEX payments_one_live');
    const pay = async () => {
      const tx = await openTransaction(system.databaseUrl);
      const live = await tx.query(
        `SELECT FROM payments WHERE booking_id = $1 AND status <> 'declined'`,
        [id],
      );
      return async () => {
        expect(live).toHaveLength(0);
        await tx.query(
          `INSERT INTO payments (booking_id, amount_minor, currency) VALUES ($1, 1500, 'USD')`,
          [id],
        );
        await tx.commit();
      };
    };
    const [first, second] = [await pay(), await pay()];
    await first();
    await second();
    await expect(expectPromisesKept(system.db)).rejects.toThrow('a booking is paid at most once');
  });

  test('a cancellation that does not see a payment in progress leaves a cancelled booking with a kept charge', async () => {
    await system.db.query('DELETE FROM payments');
    const { id } = await pendingBooking();
    const cancel = await openTransaction(system.databaseUrl);
    const live = await cancel.query('SELECT FROM payments WHERE booking_id = $1', [id]);
    await system.db.query(
      `INSERT INTO payments (booking_id, amount_minor, currency, status, paid_at)
       VALUES ($1, 1500, 'USD', 'succeeded', clock_timestamp())`,
      [id],
    );
    await system.db.query(`UPDATE bookings SET status = 'confirmed' WHERE id = $1`, [id]);
    expect(live).toHaveLength(0);
    await cancel.query(`UPDATE bookings SET status = 'cancelled' WHERE id = $1`, [id]);
    await cancel.commit();
    await expect(expectPromisesKept(system.db)).rejects.toThrow(
      'a payment for a booking that is not confirmed is being refunded',
    );
  });
});
