import type { Queryable } from '@movie-ticketing/kit/database';

import type { Booking, BookingStatus } from './bookings.schema.ts';

type BookingRow = {
  id: number;
  reference: string;
  user_id: number;
  screening_id: number;
  num_tickets: number;
  status: BookingStatus;
  total_minor: number;
  currency: string;
  created_at: Date;
  expires_at: Date;
};

const columns =
  'id, reference, user_id, screening_id, num_tickets, status, total_minor, currency, created_at, expires_at';

const toBooking = (row: BookingRow): Booking => ({
  id: row.id,
  reference: row.reference,
  userId: row.user_id,
  screeningId: row.screening_id,
  numTickets: row.num_tickets,
  status: row.status,
  totalMinor: row.total_minor,
  currency: row.currency,
  createdAt: row.created_at,
  expiresAt: row.expires_at,
});

export type BookingFilter = {
  userId?: number | undefined;
  screeningId?: number | undefined;
  status?: BookingStatus | undefined;
  /** Ids below this one. */
  before?: number | undefined;
  limit: number;
};

const find =
  (db: Queryable) =>
  async (id: number): Promise<Booking | undefined> => {
    const [row] = await db.query<BookingRow>(`SELECT ${columns} FROM bookings WHERE id = $1`, [id]);
    return row && toBooking(row);
  };

const list =
  (db: Queryable) =>
  async (filter: BookingFilter): Promise<Booking[]> => {
    const values: unknown[] = [];
    const where = [
      ['user_id =', filter.userId],
      ['screening_id =', filter.screeningId],
      ['status =', filter.status],
      ['id <', filter.before],
    ].flatMap(([condition, value]) =>
      value === undefined ? [] : [`${String(condition)} $${String(values.push(value))}`],
    );
    const rows = await db.query<BookingRow>(
      `SELECT ${columns} FROM bookings ${where.length > 0 ? `WHERE ${where.join(' AND ')}` : ''}
       ORDER BY id DESC LIMIT $${String(values.push(filter.limit))}`,
      values,
    );
    return rows.map(toBooking);
  };

/** Locks a booking and reads it after the lock. Step 2 of the lock order. */
const lock =
  (db: Queryable) =>
  async (id: number): Promise<Booking | undefined> => {
    const [row] = await db.query<BookingRow>(
      `SELECT ${columns} FROM bookings WHERE id = $1 FOR NO KEY UPDATE`,
      [id],
    );
    return row && toBooking(row);
  };

/**
 * Locks a booking's screening and tells whether it began. The clock is read after the lock: the
 * lock may have taken seconds. Step 1 of the lock order.
 */
const lockScreening =
  (db: Queryable) =>
  async (screeningId: number): Promise<{ started: boolean }> => {
    const [row] = await db.query<{ started: boolean }>(
      `WITH locked AS MATERIALIZED (
         SELECT starts_at FROM screenings WHERE id = $1 FOR NO KEY UPDATE
       ) SELECT starts_at <= clock_timestamp() AS started FROM locked`,
      [screeningId],
    );
    if (row === undefined) throw new Error(`screening ${String(screeningId)} vanished`);
    return row;
  };

const setStatus =
  (db: Queryable) =>
  async (id: number, status: BookingStatus): Promise<Booking> => {
    const [row] = await db.query<BookingRow>(
      `UPDATE bookings SET status = $2 WHERE id = $1 RETURNING ${columns}`,
      [id, status],
    );
    if (row === undefined) throw new Error(`booking ${String(id)} vanished`);
    return toBooking(row);
  };

/** Gives seats back. The screening is locked already. */
const giveBack =
  (db: Queryable) =>
  async (screeningId: number, seats: number): Promise<void> => {
    await db.query('UPDATE screenings SET available_seats = available_seats + $2 WHERE id = $1', [
      screeningId,
      seats,
    ]);
  };

/** The database's clock, now: for what is judged after a lock. */
const now = (db: Queryable) => async (): Promise<Date> => {
  const [row] = await db.query<{ now: Date }>('SELECT clock_timestamp() AS now');
  if (row === undefined) throw new Error('the database has no clock');
  return row.now;
};

export const makeBookingsRepository = (db: Queryable) => ({
  find: find(db),
  list: list(db),
  lock: lock(db),
  lockScreening: lockScreening(db),
  setStatus: setStatus(db),
  giveBack: giveBack(db),
  now: now(db),
});
