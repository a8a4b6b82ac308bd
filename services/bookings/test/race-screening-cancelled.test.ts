import { afterEach, describe, expect, test } from '@jest/globals';

import { insertScreening } from '@movie-ticketing/catalog/testing/builders';
import { until } from '@movie-ticketing/kit/testing/until';
import { cancelBookingsOfCancelledScreenings } from '../src/holds/cancel-screenings.ts';
import { as, hold, inParallel } from '../testing/clients.ts';
import { expectLedger, expectPromisesKept } from '../testing/promises.ts';
import { openTransaction } from '../testing/row-lock.ts';
import { startBookingsSystem, type BookingsSystem } from '../testing/system.ts';

/** What the catalog's PATCH does to the row. */
const cancelScreening = (system: BookingsSystem, id: number) =>
  system.db.query(`UPDATE screenings SET status = 'cancelled' WHERE id = $1`, [id]);

const liveBookings = (system: BookingsSystem, screeningId: number) =>
  system.db.query<{ id: number }>(
    `SELECT id FROM bookings WHERE screening_id = $1 AND status IN ('pending', 'confirmed')`,
    [screeningId],
  );

describe('the bookings of a cancelled screening', () => {
  let system: BookingsSystem;
  afterEach(() => system.stop());

  test('are all cancelled and refunded although users book and pay at the same time', async () => {
    system = await startBookingsSystem({ processes: 2 });
    const screening = await insertScreening(system.db, { total_seats: 1_000 });
    const users = await system.users(20);
    let made = 0;
    const responses = await inParallel(
      32,
      Array.from({ length: 240 }, (_, index) => async () => {
        const client = as(system.servers[index % 2]!.api, users[index % 20]!);
        const booked = await client.book(screening.id, 2);
        if (booked.status !== 201) return booked;
        if ((made += 1) === 100) await cancelScreening(system, screening.id);
        if (index % 3 > 0) {
          const paid = await client.pay(booked.body.booking.id);
          expect([200, 409]).toContain(paid.status);
        }
        return booked;
      }),
    );
    expect(responses.some(({ body }) => body.code === 'screening_cancelled')).toBe(true);
    await until(async () => {
      const live = await liveBookings(system, screening.id);
      // In this order: without live bookings no further refund begins.
      const open = await system.db.query(
        `SELECT FROM payments WHERE status IN ('processing', 'refund_pending')`,
      );
      return live.length === 0 && open.length === 0;
    });
    expect(await system.seatsOf(screening.id)).toBe(1_000);
    const paid = await system.db.query<{ status: string; payment: string }>(
      `SELECT DISTINCT b.status, p.status AS payment FROM bookings b JOIN payments p ON p.booking_id = b.id`,
    );
    expect(paid).toEqual([{ status: 'refunded', payment: 'refunded' }]);
    await expectLedger(system.db, responses);
    await expectPromisesKept(system.db);
  });

  test('another process resumes after one has stopped half-way', async () => {
    system = await startBookingsSystem();
    const screening = await insertScreening(system.db, { total_seats: 1_000 });
    const [user] = await system.users(1);
    const { id } = await hold(system, user!, screening.id);
    expect((await as(system.server.api, user!).pay(id)).status).toBe(200);
    await system.server.stop();
    // More than one transaction handles.
    await system.db.query(
      `INSERT INTO bookings (reference, user_id, screening_id, num_tickets, total_minor, currency, created_at, expires_at)
       SELECT 'half-way-' || n, $1, $2, 1, 1500, 'USD', clock_timestamp(), clock_timestamp() + interval '1 hour'
       FROM generate_series(1, 700) n`,
      [user!.id, screening.id],
    );
    await system.db.query('UPDATE screenings SET available_seats = 299 WHERE id = $1', [
      screening.id,
    ]);
    await cancelScreening(system, screening.id);
    // One round, then the process stops.
    await cancelBookingsOfCancelledScreenings(system.db, () => undefined);
    expect(await liveBookings(system, screening.id)).toHaveLength(201);
    await expectPromisesKept(system.db);

    await system.startProcess();
    await until(async () => (await liveBookings(system, screening.id)).length === 0);
    await until(async () => {
      const open = await system.db.query(`SELECT FROM payments WHERE status <> 'refunded'`);
      return open.length === 0;
    });
    expect(await system.seatsOf(screening.id)).toBe(1_000);
    await expectPromisesKept(system.db);
  });

  test('control: a booking that reads the screening before the cancellation without a lock stays live', async () => {
    system = await startBookingsSystem({ processes: 0 });
    const screening = await insertScreening(system.db);
    const [user] = await system.users(1);
    const naive = await openTransaction(system.databaseUrl);
    const [seen] = await naive.query<{ status: string }>(
      'SELECT status FROM screenings WHERE id = $1',
      [screening.id],
    );
    await cancelScreening(system, screening.id);
    const round = () => cancelBookingsOfCancelledScreenings(system.db, () => undefined);
    // Nothing to cancel yet: a cancellation that runs only once, with the PATCH, would miss the booking.
    expect(await round()).toBe(false);
    expect(seen!.status).toBe('scheduled');
    await naive.query(
      `INSERT INTO bookings (reference, user_id, screening_id, num_tickets, total_minor, currency, created_at, expires_at)
       VALUES ('naive-booking', $1, $2, 1, 1500, 'USD', clock_timestamp(), clock_timestamp() + interval '1 hour')`,
      [user!.id, screening.id],
    );
    await naive.query('UPDATE screenings SET available_seats = 99 WHERE id = $1', [screening.id]);
    await naive.commit();
    expect(await liveBookings(system, screening.id)).toHaveLength(1);
    // The remaining work is read from the rows, so the next round finds even this booking.
    await round();
    expect(await liveBookings(system, screening.id)).toHaveLength(0);
    await expectPromisesKept(system.db);
  });
});
