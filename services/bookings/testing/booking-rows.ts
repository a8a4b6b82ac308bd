import type { Queryable } from '@movie-ticketing/kit/database';

import { makeReference } from '../src/batch/booking-request.ts';

export type BookingWish = {
  user_id: number;
  screening_id: number;
  num_tickets?: number;
  status?: string;
  /** From now; negative for a hold that ran out. */
  expiresInMs?: number;
};

/** A booking put in by SQL past the service's rules. Its seats are not taken: say so on the screening. */
export const insertBooking = async (db: Queryable, wish: BookingWish): Promise<{ id: number }> => {
  const tickets = wish.num_tickets ?? 1;
  const [row] = await db.query<{ id: number }>(
    `INSERT INTO bookings (reference, user_id, screening_id, num_tickets, status, total_minor, currency, created_at, expires_at)
     VALUES ($1, $2, $3, $4, $5, $6, 'USD', clock_timestamp() - interval '15 minutes',
       clock_timestamp() + $7::float8 * interval '1 millisecond')
     RETURNING id`,
    [
      makeReference(),
      wish.user_id,
      wish.screening_id,
      tickets,
      wish.status ?? 'pending',
      tickets * 1_500,
      wish.expiresInMs ?? 900_000,
    ],
  );
  if (row === undefined) throw new Error('no booking was inserted');
  return row;
};

/** A payment put in by SQL; a paid one has its time. */
export const insertPayment = async (
  db: Queryable,
  wish: { booking_id: number; status?: string; amount_minor?: number },
): Promise<{ id: number }> => {
  const [row] = await db.query<{ id: number }>(
    `INSERT INTO payments (booking_id, amount_minor, currency, status, paid_at, refunded_at)
     VALUES ($1, $2, 'USD', $3::text,
       CASE WHEN $3 IN ('succeeded', 'refund_pending', 'refunded') THEN clock_timestamp() END,
       CASE WHEN $3 = 'refunded' THEN clock_timestamp() END)
     RETURNING id`,
    [wish.booking_id, wish.amount_minor ?? 1_500, wish.status ?? 'processing'],
  );
  if (row === undefined) throw new Error('no payment was inserted');
  return row;
};
