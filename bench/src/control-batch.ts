import type {
  BookingRequest,
  BookingResult,
} from '@movie-ticketing/bookings/batch/booking-request';
import type { makeBookingQueue } from '@movie-ticketing/bookings/batch/booking-queue';
import { toRefusal, type runBatch } from '@movie-ticketing/bookings/batch/run-batch';
import type { Booking } from '@movie-ticketing/bookings/bookings/bookings.schema';
import type { Queryable } from '@movie-ticketing/kit/database';
import { Problem } from '@movie-ticketing/kit/problems';

/**
 * The control: one transaction of five statements per booking instead of the shared batch, as many at a time
 * as the pool has connections. Everything else is the same.
 */
export const controlBatch: typeof runBatch = (db, requests, { holdMs }) =>
  Promise.all(
    requests.map(async (request): Promise<BookingResult> => {
      try {
        return await db.attempt(async (tx) => ({
          kind: 'booked',
          booking: await bookAlone(tx, request, holdMs),
        }));
      } catch (error) {
        return toRefusal(error);
      }
    }),
  );

/** No queue: each booking starts when it arrives and waits only for a connection and its row. */
export const noQueue: typeof makeBookingQueue = ({ run }) => ({
  submit: async (request) => {
    const [result] = await run([request]);
    return result ?? { kind: 'refused', code: 'internal' };
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
  request: BookingRequest,
  holdMs: number,
): Promise<Booking> => {
  const [screening] = await tx.query<ScreeningRow>(
    `SELECT available_seats, price_minor, currency, clock_timestamp() AS now
     FROM screenings WHERE id = $1 FOR UPDATE`,
    [request.screeningId],
    'bench.control.lock',
  );
  const [user] = await tx.query(
    'SELECT id FROM users WHERE id = $1 AND deleted_at IS NULL',
    [request.userId],
    'bench.control.user',
  );
  if (screening === undefined || user === undefined) throw new Problem('not_found');
  if (screening.available_seats < request.numTickets) throw new Problem('not_enough_seats');
  const booking = await insertBooking(tx, request, screening, holdMs);
  await tx.query(
    'UPDATE screenings SET available_seats = available_seats - $2 WHERE id = $1',
    [request.screeningId, request.numTickets],
    'bench.control.seats',
  );
  await storeKey(tx, request, booking);
  return booking;
};

const insertBooking = async (
  tx: Queryable,
  request: BookingRequest,
  screening: ScreeningRow,
  holdMs: number,
): Promise<Booking> => {
  const booking: Omit<Booking, 'id'> = {
    reference: request.reference,
    userId: request.userId,
    screeningId: request.screeningId,
    numTickets: request.numTickets,
    status: 'pending',
    totalMinor: screening.price_minor * request.numTickets,
    currency: screening.currency,
    createdAt: screening.now,
    expiresAt: new Date(screening.now.getTime() + holdMs),
    promoCodeId: null,
    tickets: [],
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
    'bench.control.insert',
  );
  return { id: (row as { id: number }).id, ...booking };
};

/** A sixth statement if the request has a key. A repeat fails on the primary key: no client repeats one. */
const storeKey = async (
  tx: Queryable,
  { idempotency }: BookingRequest,
  booking: Booking,
): Promise<void> => {
  if (idempotency === undefined) return;
  const { userId, scope, key, requestHash } = idempotency;
  await tx.query(
    `INSERT INTO bookings_idempotency_keys (user_id, scope, key, request_hash, booking_id, outcome)
     VALUES ($1, $2, $3, $4, $5, $6)`,
    [userId, scope, key, requestHash, booking.id, booking.status],
    'bench.control.key',
  );
};
