import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

import { insertScreening } from '@movie-ticketing/catalog/testing/builders';
import { bookingStatuses } from '../src/bookings/bookings.schema.ts';
import { paymentStatuses } from '../src/payments/payments.schema.ts';
import { insertBooking, insertPayment } from '../testing/booking-rows.ts';
import { startBookingsSystem, type BookingsSystem } from '../testing/system.ts';

const pairs = <T extends string>(statuses: readonly T[], legal: readonly string[]) =>
  statuses.flatMap((from) =>
    statuses
      .filter((to) => to !== from)
      .map((to) => ({ from, to, isLegal: legal.includes(`${from} ${to}`) })),
  );

const bookingMoves = pairs(bookingStatuses, [
  'pending confirmed',
  'pending cancelled',
  'pending expired',
  'confirmed cancelled',
  'cancelled refunded',
]);

const paymentMoves = pairs(paymentStatuses, [
  'processing succeeded',
  'processing declined',
  'processing refund_pending',
  'succeeded refund_pending',
  'refund_pending refunded',
]);

describe('status changes in the database', () => {
  let system: BookingsSystem;
  let screeningId: number;
  let userId: number;
  beforeAll(async () => {
    system = await startBookingsSystem({ processes: 0 });
    screeningId = (await insertScreening(system.db)).id;
    userId = (await system.users(1))[0]!.id;
  });
  afterAll(() => system.stop());
  const newBooking = (status = 'pending') =>
    insertBooking(system.db, { user_id: userId, screening_id: screeningId, status });

  test.each(bookingMoves)(
    'a booking from $from to $to: allowed $isLegal',
    async ({ from, to, isLegal }) => {
      const { id } = await newBooking(from);
      const move = system.db.query('UPDATE bookings SET status = $2 WHERE id = $1', [id, to]);
      if (isLegal) await move;
      else {
        await expect(move).rejects.toMatchObject({
          code: '23514',
          constraint: 'bookings_legal_move',
        });
      }
    },
  );

  test.each(paymentMoves)(
    'a payment from $from to $to: allowed $isLegal',
    async ({ from, to, isLegal }) => {
      const booking = await newBooking();
      const { id } = await insertPayment(system.db, { booking_id: booking.id, status: from });
      const move = system.db.query(
        `UPDATE payments SET status = $2::text,
           paid_at = CASE WHEN $2 IN ('succeeded', 'refund_pending', 'refunded') THEN clock_timestamp() END,
           refunded_at = CASE WHEN $2 = 'refunded' THEN clock_timestamp() END
         WHERE id = $1`,
        [id, to],
      );
      if (isLegal) await move;
      else {
        await expect(move).rejects.toMatchObject({
          code: '23514',
          constraint: 'payments_legal_move',
        });
      }
    },
  );

  test.each(['processing', 'succeeded', 'refund_pending', 'refunded'])(
    'refuses a second payment beside one that is %s, but not beside a declined one',
    async (status) => {
      const booking = await newBooking();
      await insertPayment(system.db, { booking_id: booking.id, status: 'declined' });
      await insertPayment(system.db, { booking_id: booking.id, status });
      await expect(insertPayment(system.db, { booking_id: booking.id })).rejects.toMatchObject({
        code: '23505',
        constraint: 'payments_one_live',
      });
    },
  );

  test.each([-1, 101])('refuses %i available seats of 100', async (seats) => {
    await expect(
      system.db.query('UPDATE screenings SET available_seats = $2 WHERE id = $1', [
        screeningId,
        seats,
      ]),
    ).rejects.toMatchObject({ code: '23514', constraint: 'screenings_seats' });
  });

  test('control: without the trigger an expired booking can become confirmed', async () => {
    const { id } = await newBooking('expired');
    await system.db.query('ALTER TABLE bookings DISABLE TRIGGER bookings_legal_move');
    await system.db.query(`UPDATE bookings SET status = 'confirmed' WHERE id = $1`, [id]);
  });
});
