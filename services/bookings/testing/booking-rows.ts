import type { Queryable } from '@movie-ticketing/kit/database';

import { makeReference } from '../src/batch/booking-request.ts';

export type NewBookingRow = {
  user_id: number;
  screening_id: number;
  num_tickets?: number;
  status?: string;
  /** From now; negative for an expired hold. */
  expiresInMs?: number;
};

/** Inserts a booking without the rules of the service. Takes no seats: the screening must be inserted without them. */
export const insertBooking = async (
  db: Queryable,
  values: NewBookingRow,
): Promise<{ id: number }> => {
  const tickets = values.num_tickets ?? 1;
  const [row] = await db.query<{ id: number }>(
    `INSERT INTO bookings (reference, user_id, screening_id, num_tickets, status, total_minor, currency, created_at, expires_at)
     VALUES ($1, $2, $3, $4, $5, $6, 'USD', clock_timestamp() - interval '15 minutes',
       clock_timestamp() + $7::float8 * interval '1 millisecond')
     RETURNING id`,
    [
      makeReference(),
      values.user_id,
      values.screening_id,
      tickets,
      values.status ?? 'pending',
      tickets * 1_500,
      values.expiresInMs ?? 900_000,
    ],
  );
  if (row === undefined) throw new Error('no booking was inserted');
  return row;
};

/** Inserts a payment without the rules of the service. */
export const insertPayment = async (
  db: Queryable,
  values: { booking_id: number; status?: string; amount_minor?: number },
): Promise<{ id: number }> => {
  const [row] = await db.query<{ id: number }>(
    `INSERT INTO payments (booking_id, amount_minor, currency, status, paid_at, refunded_at)
     VALUES ($1, $2, 'USD', $3::text,
       CASE WHEN $3 IN ('succeeded', 'refund_pending', 'refunded') THEN clock_timestamp() END,
       CASE WHEN $3 = 'refunded' THEN clock_timestamp() END)
     RETURNING id`,
    [values.booking_id, values.amount_minor ?? 1_500, values.status ?? 'processing'],
  );
  if (row === undefined) throw new Error('no payment was inserted');
  return row;
};
