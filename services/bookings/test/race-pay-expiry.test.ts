import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { ApiAnswer } from '@movie-ticketing/kit/testing/api';

import { insertScreening } from '@movie-ticketing/catalog/testing/builders';
import { until } from '@movie-ticketing/kit/testing/until';
import { untilWaiting } from '../../catalog/testing/lock-waits.ts';
import { expireHolds } from '../src/holds/expire-holds.ts';
import { insertBooking } from '../testing/booking-rows.ts';
import { as, hold, countResponses } from '../testing/clients.ts';
import { expectPromisesKept } from '../testing/promises.ts';
import { openTransaction } from '../testing/row-lock.ts';
import { startBookingsSystem, type BookingsSystem } from '../testing/system.ts';

const runExpiry = (system: BookingsSystem, observe: (expired: number) => void = () => undefined) =>
  expireHolds(system.db, { paymentGraceMs: 600_000, observe });

describe('paying when the hold expires', () => {
  test('payments and workers at the moment of expiry: each booking is paid or expired, never both', async () => {
    const system = await startBookingsSystem({ processes: 2, env: { HOLD_MINUTES: '0.015' } });
    try {
      const screening = await insertScreening(system.db, { total_seats: 2_000 });
      const [user] = await system.users(1);
      const done = new AbortController();
      const worker = (async () => {
        while (!done.signal.aborted) await runExpiry(system);
      })();
      const payAround = async (round: number) => {
        const client = as(system.servers[round % 2]!.api, user!);
        const booked = await client.book(screening.id);
        expect(booked.status).toBe(201);
        // From 200 ms before the expiry to 40 ms after it, because a payment takes some time to arrive.
        const payAt = Date.parse(booked.body.booking.expires_at) + (round * 6 - 200);
        await new Promise((resolve) => setTimeout(resolve, payAt - Date.now()));
        return client.pay(booked.body.booking.id);
      };
      const responses: ApiAnswer[] = [];
      // On a busy machine a whole round may be late: repeat until both outcomes have occurred.
      while (responses.length < 80 || Object.keys(countResponses(responses)).length < 2) {
        const wave = Array.from({ length: 40 }, (_, round) => payAround(round));
        responses.push(...(await Promise.all(wave)));
      }
      await until(async () => {
        const rows = await system.db.query(`SELECT FROM bookings WHERE status = 'pending'`);
        return rows.length === 0;
      });
      done.abort();
      await worker;

      const counted = countResponses(responses);
      expect(Object.keys(counted).sort()).toEqual(['200', '409 booking_expired']);
      const [counts] = await system.db.query(
        `SELECT count(*) FILTER (WHERE status = 'confirmed')::int AS confirmed,
           count(*) FILTER (WHERE status = 'expired')::int AS expired FROM bookings`,
      );
      expect(counts).toEqual({
        confirmed: counted['200'],
        expired: counted['409 booking_expired'],
      });
      expect(await system.seatsOf(screening.id)).toBe(2_000 - counted['200']!);
      await expectPromisesKept(system.db);
    } finally {
      await system.stop();
    }
  });
});

describe('a worker that read before a payment began', () => {
  let system: BookingsSystem;
  beforeAll(async () => {
    // No process runs: its worker would wait for the same locks.
    system = await startBookingsSystem({ processes: 0 });
  });
  afterAll(() => system.stop());

  /** A hold that has run out, with a payment under way in a transaction that is still open. */
  const payInTheMiddle = async () => {
    const screening = await insertScreening(system.db, { total_seats: 5 });
    const [user] = await system.users(1);
    const booking = await insertBooking(system.db, {
      user_id: user!.id,
      screening_id: screening.id,
      num_tickets: 2,
      expiresInMs: 0,
    });
    await system.db.query('UPDATE screenings SET available_seats = 3 WHERE id = $1', [
      screening.id,
    ]);
    const payment = await openTransaction(system.databaseUrl);
    await payment.query('SELECT FROM bookings WHERE id = $1 FOR NO KEY UPDATE', [booking.id]);
    await payment.query(
      `INSERT INTO payments (booking_id, amount_minor, currency) VALUES ($1, 3000, 'USD')`,
      [booking.id],
    );
    const statusNow = async () => {
      const [row] = await system.db.query<{ status: string }>(
        'SELECT status FROM bookings WHERE id = $1',
        [booking.id],
      );
      return row?.status;
    };
    return { payment, statusNow, bookingId: booking.id, screeningId: screening.id };
  };

  test('does not expire the booking after the payment has committed', async () => {
    const { payment, statusNow, screeningId } = await payInTheMiddle();
    let expired = -1;
    const expiring = runExpiry(system, (count) => {
      expired = count;
    });
    await untilWaiting(system.db, 1);
    await payment.commit();
    await expiring;
    expect(expired).toBe(0);
    expect(await statusNow()).toBe('pending');
    expect(await system.seatsOf(screeningId)).toBe(3);
  });

  test('control: one statement that checks and expires uses an old snapshot and expires a booking that is being paid', async () => {
    const { payment, statusNow, bookingId } = await payInTheMiddle();
    const naive = system.db.query(
      `UPDATE bookings b SET status = 'expired'
       WHERE b.id = $1 AND b.status = 'pending' AND b.expires_at <= clock_timestamp()
         AND NOT EXISTS (SELECT FROM payments p WHERE p.booking_id = b.id AND p.status = 'processing')`,
      [bookingId],
    );
    await untilWaiting(system.db, 1);
    await payment.commit();
    await naive;
    expect(await statusNow()).toBe('expired');
  });
});

describe('an expired hold', () => {
  test('releases its seats once and within five seconds, with any number of processes', async () => {
    const system = await startBookingsSystem({ processes: 3, env: { HOLD_MINUTES: '0.002' } });
    try {
      const screening = await insertScreening(system.db, { total_seats: 10 });
      const [user] = await system.users(1);
      await hold(system, user!, screening.id, 4);
      await hold(system, user!, screening.id, 3);
      const from = Date.now();
      await until(async () => (await system.seatsOf(screening.id)) === 10);
      expect(Date.now() - from).toBeLessThan(5_000);
      await Promise.all([runExpiry(system), runExpiry(system)]);
      expect(await system.seatsOf(screening.id)).toBe(10);
      const listed = await system.server.api('GET', '/bookings', { token: user!.token });
      expect(listed.body.bookings.map((it: { status: string }) => it.status)).toEqual([
        'expired',
        'expired',
      ]);
      await expectPromisesKept(system.db);
    } finally {
      await system.stop();
    }
  });
});
