import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { ApiAnswer } from '@movie-ticketing/kit/testing/api';

import { insertScreening } from '@movie-ticketing/catalog/testing/builders';
import { until, untilWaiting } from '../../catalog/testing/lock-waits.ts';
import { expireHolds } from '../src/holds/expire-holds.ts';
import { insertBooking } from '../testing/booking-rows.ts';
import { as, hold, tally } from '../testing/clients.ts';
import { expectPromisesKept } from '../testing/promises.ts';
import { openTransaction } from '../testing/row-lock.ts';
import { startBookingsSystem, type BookingsSystem } from '../testing/system.ts';

const sweep = (system: BookingsSystem, observe: (expired: number) => void = () => undefined) =>
  expireHolds(system.db, { paymentGraceMs: 600_000, observe });

describe('paying around the deadline', () => {
  test('when payments and sweepers meet at the moment a hold runs out, then each booking is paid or expired, never both', async () => {
    const system = await startBookingsSystem({ processes: 2, env: { HOLD_MINUTES: '0.015' } });
    try {
      const screening = await insertScreening(system.db, { total_seats: 2_000 });
      const [person] = await system.people(1);
      const done = new AbortController();
      const sweeper = (async () => {
        while (!done.signal.aborted) await sweep(system);
      })();
      const payAround = async (round: number) => {
        const client = as(system.servers[round % 2]!.api, person!);
        const booked = await client.book(screening.id);
        expect(booked.status).toBe(201);
        // From 200 ms before the deadline to 40 ms after it: a payment takes its time to get there.
        const payAt = Date.parse(booked.body.booking.expires_at) + (round * 6 - 200);
        await new Promise((resolve) => setTimeout(resolve, payAt - Date.now()));
        return client.pay(booked.body.booking.id);
      };
      const answers: ApiAnswer[] = [];
      // A busy machine may be late with a whole wave: go on until the race was won by either side.
      while (answers.length < 80 || Object.keys(tally(answers)).length < 2) {
        const wave = Array.from({ length: 40 }, (_, round) => payAround(round));
        answers.push(...(await Promise.all(wave)));
      }
      await until(async () => {
        const rows = await system.db.query(`SELECT FROM bookings WHERE status = 'pending'`);
        return rows.length === 0;
      });
      done.abort();
      await sweeper;

      const told = tally(answers);
      expect(Object.keys(told).sort()).toEqual(['200', '409 booking_expired']);
      const [counts] = await system.db.query(
        `SELECT count(*) FILTER (WHERE status = 'confirmed')::int AS confirmed,
           count(*) FILTER (WHERE status = 'expired')::int AS expired FROM bookings`,
      );
      expect(counts).toEqual({ confirmed: told['200'], expired: told['409 booking_expired'] });
      expect(await system.seatsOf(screening.id)).toBe(2_000 - told['200']!);
      await expectPromisesKept(system.db);
    } finally {
      await system.stop();
    }
  });
});

describe('a sweeper that read before a payment began', () => {
  let system: BookingsSystem;
  beforeAll(async () => {
    // No process of its own sweeps here in the meantime: it would wait for the same locks.
    system = await startBookingsSystem({ processes: 0 });
  });
  afterAll(() => system.stop());

  /** A hold that has run out, with a payment under way in a transaction that is still open. */
  const payInTheMiddle = async () => {
    const screening = await insertScreening(system.db, { total_seats: 5 });
    const [person] = await system.people(1);
    const booking = await insertBooking(system.db, {
      user_id: person!.id,
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

  test('when it proceeds after the payment committed, then the booking is not expired', async () => {
    const { payment, statusNow, screeningId } = await payInTheMiddle();
    let expired = -1;
    const sweeping = sweep(system, (count) => {
      expired = count;
    });
    await untilWaiting(system.db, 1);
    await payment.commit();
    await sweeping;
    expect(expired).toBe(0);
    expect(await statusNow()).toBe('pending');
    expect(await system.seatsOf(screeningId)).toBe(3);
  });

  test('control: when one statement judges and expires, then its old snapshot expires a booking that is being paid', async () => {
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

describe('a hold that ran out', () => {
  test('when nobody pays, then its seats are back within five seconds, once, whatever the number of processes', async () => {
    const system = await startBookingsSystem({ processes: 3, env: { HOLD_MINUTES: '0.002' } });
    try {
      const screening = await insertScreening(system.db, { total_seats: 10 });
      const [person] = await system.people(1);
      await hold(system, person!, screening.id, 4);
      await hold(system, person!, screening.id, 3);
      const from = Date.now();
      await until(async () => (await system.seatsOf(screening.id)) === 10);
      expect(Date.now() - from).toBeLessThan(5_000);
      await Promise.all([sweep(system), sweep(system)]);
      expect(await system.seatsOf(screening.id)).toBe(10);
      const listed = await system.server.api('GET', '/bookings', { token: person!.token });
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
