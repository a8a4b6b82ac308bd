import type { runBatch } from '@movie-ticketing/bookings/batch/run-batch';
import { makeReference, type ReferencedOrder } from '@movie-ticketing/bookings/batch/booking-order';
import type { makeBookingQueue } from '@movie-ticketing/bookings/batch/booking-queue';
import { presentBooking, type Booking } from '@movie-ticketing/bookings/bookings/bookings.schema';
import type { Queryable } from '@movie-ticketing/kit/database';
import { translateDatabaseError } from '@movie-ticketing/kit/database-errors';
import type { ApiResponse } from '@movie-ticketing/kit/endpoint';
import { Problem } from '@movie-ticketing/kit/problems';

/**
 * The control: what a booking costs without the shared batch, everything else the same. One
 * transaction of five statements each, as many at a time as the pool has connections.
 */
export const controlBatch: typeof runBatch = (db, orders, { holdMs }) =>
  Promise.all(
    orders.map(async (order) => {
      try {
        return await db.attempt((tx) => bookAlone(tx, order, holdMs));
      } catch (error) {
        const problem = translateDatabaseError(error);
        return problem instanceof Problem ? problem : new Problem('internal', { cause: error });
      }
    }),
  );

/** No queue: each booking is begun as it arrives, and waits for nothing but a connection and its row. */
export const noQueue: typeof makeBookingQueue = ({ run }) => ({
  submit: async (order) => {
    const [outcome] = await run([{ ...order, reference: makeReference() }]);
    if (outcome === undefined || outcome instanceof Problem) {
      throw outcome ?? new Problem('internal');
    }
    return outcome;
  },
  depth: 0,
  drain: () => Promise.resolve(),
});

type ScreeningRow = {
  available_seats: number;
  price_minor: number;
  currency: string;
  now: Date;
};

const bookAlone = async (
  tx: Queryable,
  order: ReferencedOrder,
  holdMs: number,
): Promise<ApiResponse> => {
  const [screening] = await tx.query<ScreeningRow>(
    `SELECT available_seats, price_minor, currency, clock_timestamp() AS now
     FROM screenings WHERE id = $1 FOR UPDATE`,
    [order.screeningId],
    'control-lock',
  );
  const [person] = await tx.query(
    'SELECT id FROM users WHERE id = $1 AND deleted_at IS NULL',
    [order.userId],
    'control-person',
  );
  if (screening === undefined || person === undefined) throw new Problem('not_found');
  if (screening.available_seats < order.numTickets) throw new Problem('not_enough_seats');
  const booking = await insertBooking(tx, order, screening, holdMs);
  await tx.query(
    'UPDATE screenings SET available_seats = available_seats - $2 WHERE id = $1',
    [order.screeningId, order.numTickets],
    'control-seats',
  );
  const json = JSON.stringify({ booking: presentBooking(booking) });
  await keepAnswer(tx, order, json);
  return { status: 201, json, headers: { Location: `/bookings/${String(booking.id)}` } };
};

const insertBooking = async (
  tx: Queryable,
  order: ReferencedOrder,
  screening: ScreeningRow,
  holdMs: number,
): Promise<Booking> => {
  const booking: Omit<Booking, 'id'> = {
    reference: order.reference,
    userId: order.userId,
    screeningId: order.screeningId,
    numTickets: order.numTickets,
    status: 'pending',
    totalMinor: screening.price_minor * order.numTickets,
    currency: screening.currency,
    createdAt: screening.now,
    expiresAt: new Date(screening.now.getTime() + holdMs),
  };
  const [row] = await tx.query<{ id: number }>(
    `INSERT INTO bookings
       (reference, user_id, screening_id, num_tickets, total_minor, currency, created_at, expires_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING id`,
    [
      booking.reference,
      booking.userId,
      booking.screeningId,
      booking.numTickets,
      booking.totalMinor,
      booking.currency,
      booking.createdAt,
      booking.expiresAt,
    ],
    'control-insert',
  );
  return { id: (row as { id: number }).id, ...booking };
};

/** A sixth statement where there is a key; a repeat fails on the primary key, which is all we need here. */
const keepAnswer = async (tx: Queryable, order: ReferencedOrder, json: string): Promise<void> => {
  if (order.idempotency === undefined) return;
  const { userId, scope, key, requestHash } = order.idempotency;
  await tx.query(
    `INSERT INTO bookings_idempotency_keys (user_id, scope, key, request_hash, status, body)
     VALUES ($1, $2, $3, $4, 201, $5)`,
    [userId, scope, key, requestHash, json],
    'control-key',
  );
};
