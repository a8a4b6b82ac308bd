import type { Queryable } from '@movie-ticketing/kit/database';

/** A pending booking whose time is up and that no payment in doubt protects. `$grace` in ms. */
const isOver = (grace: string): string => `
  b.status = 'pending' AND b.expires_at <= clock_timestamp()
  AND (b.expires_at <= clock_timestamp() - ${grace}::float8 * interval '1 millisecond'
    OR NOT EXISTS (SELECT FROM payments p WHERE p.booking_id = b.id AND p.status = 'processing'))`;

const findDue =
  (db: Queryable) =>
  (limit: number, graceMs: number): Promise<{ id: number; screeningId: number }[]> =>
    db.query(
      `SELECT b.id, b.screening_id AS "screeningId" FROM bookings b WHERE ${isOver('$2')}
       ORDER BY b.expires_at LIMIT $1`,
      [limit, graceMs],
    );

/** Step 1 of the lock order. */
const lockScreenings =
  (db: Queryable) =>
  async (ids: readonly number[]): Promise<void> => {
    await db.query('SELECT FROM screenings WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE', [
      ids,
    ]);
  };

/** Step 2 of the lock order. */
const lockPending =
  (db: Queryable) =>
  async (ids: readonly number[]): Promise<number[]> => {
    const rows = await db.query<{ id: number }>(
      `SELECT id FROM bookings WHERE id = ANY($1) AND status = 'pending' ORDER BY id FOR NO KEY UPDATE`,
      [ids],
    );
    return rows.map(({ id }) => id);
  };

/** Expires those that are still over and gives their seats back, in one statement. */
const expire =
  (db: Queryable) =>
  async (ids: readonly number[], graceMs: number): Promise<number> => {
    const [row] = await db.query<{ expired: number }>(
      `WITH expired AS (
         UPDATE bookings b SET status = 'expired' WHERE b.id = ANY($1) AND ${isOver('$2')}
         RETURNING b.screening_id, b.num_tickets
       ), given_back AS (
         UPDATE screenings s SET available_seats = s.available_seats + sums.seats
         FROM (SELECT screening_id, sum(num_tickets)::int AS seats FROM expired GROUP BY screening_id) sums
         WHERE s.id = sums.screening_id
       ) SELECT count(*)::int AS expired FROM expired`,
      [ids, graceMs],
    );
    return row?.expired ?? 0;
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

/** Steps 1 and 2 of the lock order, for some live bookings of one screening. */
const lockLive =
  (db: Queryable) =>
  async (screeningId: number, limit: number): Promise<number[]> => {
    await db.query('SELECT FROM screenings WHERE id = $1 FOR NO KEY UPDATE', [screeningId]);
    const rows = await db.query<{ id: number }>(
      `SELECT id FROM bookings WHERE screening_id = $1 AND status IN ('pending', 'confirmed')
       ORDER BY id LIMIT $2 FOR NO KEY UPDATE`,
      [screeningId, limit],
    );
    return rows.map(({ id }) => id);
  };

/** Cancels locked bookings of one screening, gives the seats back and asks for the refunds. */
const cancelAll =
  (db: Queryable) =>
  async (screeningId: number, ids: readonly number[]): Promise<void> => {
    await db.query(
      `WITH cancelled AS (
         UPDATE bookings SET status = 'cancelled' WHERE id = ANY($2) RETURNING id, num_tickets
       ), refunds AS (
         UPDATE payments SET status = 'refund_pending', next_check_at = clock_timestamp(), attempts = 0
         WHERE booking_id IN (SELECT id FROM cancelled) AND status = 'succeeded'
       )
       UPDATE screenings SET available_seats = available_seats + (SELECT coalesce(sum(num_tickets), 0)::int FROM cancelled)
       WHERE id = $1`,
      [screeningId, ids],
    );
  };

export const makeHoldsRepository = (db: Queryable) => ({
  findDue: findDue(db),
  lockScreenings: lockScreenings(db),
  lockPending: lockPending(db),
  expire: expire(db),
  findCancelledScreenings: findCancelledScreenings(db),
  lockLive: lockLive(db),
  cancelAll: cancelAll(db),
});
