import type { Queryable } from '@movie-ticketing/kit/database';

import type { ReleasedBooking } from '../bookings/release-bookings.ts';

type ReleasedRow = {
  id: number;
  screening_id: number;
  num_tickets: number;
  promo_code_id: number | null;
};

const releasedColumns = 'id, screening_id, num_tickets, promo_code_id';

const toReleased = (row: ReleasedRow): ReleasedBooking => ({
  id: row.id,
  screeningId: row.screening_id,
  numTickets: row.num_tickets,
  promoCodeId: row.promo_code_id,
});

/**
 * The condition of a pending booking that has expired and has no payment in progress.
 * @param grace the parameter for how long, in ms, a payment in progress keeps an expired hold
 */
const isExpired = (grace: string): string => `
  b.status = 'pending' AND b.expires_at <= clock_timestamp()
  AND (b.expires_at <= clock_timestamp() - ${grace}::float8 * interval '1 millisecond'
    OR NOT EXISTS (SELECT FROM payments p WHERE p.booking_id = b.id AND p.status = 'processing'))`;

const findExpired =
  (db: Queryable) =>
  async (limit: number, graceMs: number): Promise<{ id: number; screeningId: number }[]> => {
    const rows = await db.query<{ id: number; screening_id: number }>(
      `SELECT b.id, b.screening_id FROM bookings b WHERE ${isExpired('$2')}
       ORDER BY b.expires_at LIMIT $1`,
      [limit, graceMs],
    );
    return rows.map((row) => ({ id: row.id, screeningId: row.screening_id }));
  };

/**
 * Holds of users who were deleted within the last day, the longest that a hold can last. Starts from the
 * deleted users, of whom there are few.
 */
const findOfDeletedUsers =
  (db: Queryable) =>
  async (limit: number): Promise<{ id: number; screeningId: number }[]> => {
    const rows = await db.query<{ id: number; screening_id: number }>(
      `SELECT b.id, b.screening_id FROM users u JOIN bookings b ON b.user_id = u.id
       WHERE u.deleted_at > clock_timestamp() - interval '1 day' AND b.status = 'pending'
         AND NOT EXISTS (SELECT FROM payments p WHERE p.booking_id = b.id AND p.status = 'processing')
       ORDER BY b.id LIMIT $1`,
      [limit],
    );
    return rows.map((row) => ({ id: row.id, screeningId: row.screening_id }));
  };

/** Those of the bookings that have no payment in progress. */
const withoutPayment =
  (db: Queryable) =>
  async (ids: readonly number[]): Promise<number[]> => {
    const rows = await db.query<{ id: number }>(
      `SELECT id FROM unnest($1::bigint[]) AS locked (id)
       WHERE NOT EXISTS (SELECT FROM payments p WHERE p.booking_id = id AND p.status = 'processing')`,
      [ids],
    );
    return rows.map(({ id }) => id);
  };

/** Locks those of the bookings that are pending. Step 3 of the lock order. */
const lockPending =
  (db: Queryable) =>
  async (ids: readonly number[]): Promise<number[]> => {
    const rows = await db.query<{ id: number }>(
      `SELECT id FROM bookings WHERE id = ANY($1) AND status = 'pending' ORDER BY id FOR NO KEY UPDATE`,
      [ids],
    );
    return rows.map(({ id }) => id);
  };

/** Expires those of the locked bookings that are still due. Returns them: their seats are still to be released. */
const expire =
  (db: Queryable) =>
  async (ids: readonly number[], graceMs: number): Promise<ReleasedBooking[]> => {
    const rows = await db.query<ReleasedRow>(
      `UPDATE bookings b SET status = 'expired' WHERE b.id = ANY($1) AND ${isExpired('$2')}
       RETURNING ${releasedColumns}`,
      [ids, graceMs],
    );
    return rows.map(toReleased);
  };

/** Cancelled screenings that still have live bookings. */
const findCancelledScreenings =
  (db: Queryable) =>
  async (limit: number): Promise<number[]> => {
    const rows = await db.query<{ id: number }>(
      `SELECT s.id FROM screenings s WHERE s.status = 'cancelled' AND EXISTS (
         SELECT FROM bookings b WHERE b.screening_id = s.id AND b.status IN ('pending', 'confirmed'))
       ORDER BY s.id LIMIT $1`,
      [limit],
    );
    return rows.map(({ id }) => id);
  };

/** Locks live bookings of a screening. Step 3 of the lock order. */
const lockLive =
  (db: Queryable) =>
  async (screeningId: number, limit: number): Promise<number[]> => {
    const rows = await db.query<{ id: number }>(
      `SELECT id FROM bookings WHERE screening_id = $1 AND status IN ('pending', 'confirmed')
       ORDER BY id LIMIT $2 FOR NO KEY UPDATE`,
      [screeningId, limit],
    );
    return rows.map(({ id }) => id);
  };

/** Cancels locked bookings. Returns them: their seats are still to be released. */
const cancel =
  (db: Queryable) =>
  async (ids: readonly number[]): Promise<ReleasedBooking[]> => {
    const rows = await db.query<ReleasedRow>(
      `UPDATE bookings SET status = 'cancelled' WHERE id = ANY($1) RETURNING ${releasedColumns}`,
      [ids],
    );
    return rows.map(toReleased);
  };

export const makeHoldsRepository = (db: Queryable) => ({
  findExpired: findExpired(db),
  findOfDeletedUsers: findOfDeletedUsers(db),
  withoutPayment: withoutPayment(db),
  lockPending: lockPending(db),
  expire: expire(db),
  findCancelledScreenings: findCancelledScreenings(db),
  lockLive: lockLive(db),
  cancel: cancel(db),
});
