import { afterEach, describe, expect, test } from '@jest/globals';

import { insertScreening } from '@movie-ticketing/catalog/testing/builders';
import { until } from '../../catalog/testing/lock-waits.ts';
import { cancelBookingsOfCancelledScreenings } from '../src/holds/cancel-screenings.ts';
import { as, hold, inParallel } from '../testing/clients.ts';
import { expectLedger, expectPromisesKept } from '../testing/promises.ts';
import { openTransaction } from '../testing/row-lock.ts';
import { startBookingsSystem, type BookingsSystem } from '../testing/system.ts';

/** What the catalog's PATCH does, in the end. */
const cancelScreening = (system: BookingsSystem, id: number) =>
  system.db.query(`UPDATE screenings SET status = 'cancelled' WHERE id = $1`, [id]);

const liveBookings = (system: BookingsSystem, screeningId: number) =>
  system.db.query<{ id: number }>(
    `SELECT id FROM bookings WHERE screening_id = $1 AND status IN ('pending', 'confirmed')`,
    [screeningId],
  );

describe('a screening that is cancelled', () => {
  let system: BookingsSystem;
  afterEach(() => system.stop());

  test('when people are booking and paying just then, then every booking is cancelled and every payment paid back', async () => {
    system = await startBookingsSystem({ processes: 2 });
    const screening = await insertScreening(system.db, { total_seats: 1_000 });
    const people = await system.people(20);
    let made = 0;
    const answers = await inParallel(
      32,
      Array.from({ length: 240 }, (_, index) => async () => {
        const client = as(system.servers[index % 2]!.api, people[index % 20]!);
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
    expect(answers.some(({ body }) => body.code === 'screening_cancelled')).toBe(true);
    await until(async () => {
      const live = await liveBookings(system, screening.id);
      // Asked after: once no booking lives, no further refund begins.
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
    await expectLedger(system.db, answers);
    await expectPromisesKept(system.db);
  });

  test('when the process stops half-way, then another goes on where it stopped', async () => {
    system = await startBookingsSystem();
    const screening = await insertScreening(system.db, { total_seats: 1_000 });
    const [person] = await system.people(1);
    const { id } = await hold(system, person!, screening.id);
    expect((await as(system.server.api, person!).pay(id)).status).toBe(200);
    await system.server.stop();
    // More than one transaction takes up at once.
    await system.db.query(
      `INSERT INTO bookings (reference, user_id, screening_id, num_tickets, total_minor, currency, created_at, expires_at)
       SELECT 'half-way-' || n, $1, $2, 1, 1500, 'USD', clock_timestamp(), clock_timestamp() + interval '1 hour'
       FROM generate_series(1, 700) n`,
      [person!.id, screening.id],
    );
    await system.db.query('UPDATE screenings SET available_seats = 299 WHERE id = $1', [
      screening.id,
    ]);
    await cancelScreening(system, screening.id);
    // One round, then the process is gone.
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

  test('control: when a booking reads the screening before the cancellation and takes no lock, then it outlives the screening', async () => {
    system = await startBookingsSystem({ processes: 0 });
    const screening = await insertScreening(system.db);
    const [person] = await system.people(1);
    const naive = await openTransaction(system.databaseUrl);
    const [seen] = await naive.query<{ status: string }>(
      'SELECT status FROM screenings WHERE id = $1',
      [screening.id],
    );
    await cancelScreening(system, screening.id);
    const round = () => cancelBookingsOfCancelledScreenings(system.db, () => undefined);
    // Nothing to cancel yet: a cancellation that runs once, with the PATCH, would be through now.
    expect(await round()).toBe(false);
    expect(seen!.status).toBe('scheduled');
    await naive.query(
      `INSERT INTO bookings (reference, user_id, screening_id, num_tickets, total_minor, currency, created_at, expires_at)
       VALUES ('naive-booking', $1, $2, 1, 1500, 'USD', clock_timestamp(), clock_timestamp() + interval '1 hour')`,
      [person!.id, screening.id],
    );
    await naive.query('UPDATE screenings SET available_seats = 99 WHERE id = $1', [screening.id]);
    await naive.commit();
    expect(await liveBookings(system, screening.id)).toHaveLength(1);
    // The rows themselves say what is left to do, so even this is found in the next round.
    await round();
    expect(await liveBookings(system, screening.id)).toHaveLength(0);
    await expectPromisesKept(system.db);
  });
});
