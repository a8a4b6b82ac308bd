import { onlyRow, type Queryable } from '@movie-ticketing/kit/database';
import {
  insertRows,
  makeParameters,
  type Parameters,
  type RowColumns,
} from '@movie-ticketing/kit/statements';

import { ticketsColumn, toTicket, type TicketJson } from '../tickets/tickets.repository.ts';
import type { Booking, BookingStatus } from './bookings.schema.ts';

export type BookingRow = {
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
  promo_code_id: number | null;
  tickets: TicketJson[] | null;
};

/** Of `bookings`, which the statement must not name otherwise. */
export const bookingColumns = `id, reference, user_id, screening_id, num_tickets, status, total_minor, currency,
  created_at, expires_at, promo_code_id, ${ticketsColumn}`;

export const toBooking = (row: BookingRow): Booking => ({
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
  promoCodeId: row.promo_code_id,
  tickets: (row.tickets ?? []).map(toTicket),
});

const insertColumns: RowColumns<Booking> = {
  id: ['bigint', (it) => it.id],
  reference: ['text', (it) => it.reference],
  user_id: ['bigint', (it) => it.userId],
  screening_id: ['bigint', (it) => it.screeningId],
  num_tickets: ['int', (it) => it.numTickets],
  status: ['text', (it) => it.status],
  total_minor: ['bigint', (it) => it.totalMinor],
  currency: ['text', (it) => it.currency],
  created_at: ['timestamptz', (it) => it.createdAt.toISOString()],
  expires_at: ['timestamptz', (it) => it.expiresAt.toISOString()],
};

const promoCodeColumn: RowColumns<Booking> = {
  promo_code_id: ['bigint', (it) => it.promoCodeId],
};

/** The write of new bookings, for `combineWrites`. Its shape depends on whether any has a promo code. */
export const insertBookings = (parameters: Parameters, bookings: readonly Booking[]): string => {
  const hasPromoCodes = bookings.some(({ promoCodeId }) => promoCodeId !== null);
  const columns = hasPromoCodes ? { ...insertColumns, ...promoCodeColumn } : insertColumns;
  return insertRows(parameters, 'bookings', bookings, columns);
};

export type BookingFilter = {
  userId?: number | undefined;
  screeningId?: number | undefined;
  status?: BookingStatus | undefined;
  reference?: string | undefined;
  /** Ids below this one. */
  before?: number | undefined;
  limit: number;
};

const find =
  (db: Queryable) =>
  async (id: number): Promise<Booking | undefined> => {
    const [row] = await db.query<BookingRow>(
      `SELECT ${bookingColumns} FROM bookings WHERE id = $1`,
      [id],
    );
    return row && toBooking(row);
  };

/** @throws Error if the booking does not exist */
const get =
  (db: Queryable) =>
  async (id: number): Promise<Booking> => {
    const booking = await find(db)(id);
    if (booking === undefined) throw new Error(`booking ${String(id)} does not exist`);
    return booking;
  };

const list =
  (db: Queryable) =>
  async (filter: BookingFilter): Promise<Booking[]> => {
    const { values, add } = makeParameters();
    const conditions = [
      ['user_id =', filter.userId],
      ['screening_id =', filter.screeningId],
      ['status =', filter.status],
      ['reference =', filter.reference],
      ['id <', filter.before],
    ].flatMap(([condition, value]) =>
      value === undefined ? [] : [`${String(condition)} ${add(value)}`],
    );
    const where = conditions.length > 0 ? `WHERE ${conditions.join(' AND ')}` : '';
    const rows = await db.query<BookingRow>(
      `SELECT ${bookingColumns} FROM bookings ${where} ORDER BY id DESC LIMIT ${add(filter.limit)}`,
      values,
    );
    return rows.map(toBooking);
  };

/** Locks a booking and reads it after the lock. Step 3 of the lock order. */
const lock =
  (db: Queryable) =>
  async (id: number): Promise<Booking> => {
    const rows = await db.query<BookingRow>(
      `SELECT ${bookingColumns} FROM bookings WHERE id = $1 FOR NO KEY UPDATE`,
      [id],
    );
    return toBooking(onlyRow(rows));
  };

const setStatus =
  (db: Queryable) =>
  async (id: number, status: BookingStatus): Promise<Booking> => {
    const rows = await db.query<BookingRow>(
      `UPDATE bookings SET status = $2 WHERE id = $1 RETURNING ${bookingColumns}`,
      [id, status],
    );
    return toBooking(onlyRow(rows));
  };

/** What decides about a payment besides its booking, with the database's clock. */
export type ScreeningState = { status: 'scheduled' | 'cancelled'; hasStarted: boolean; now: Date };

/** A screening as it is now, without a lock: for what is decided after the lock on its booking. */
const findScreening =
  (db: Queryable) =>
  async (screeningId: number): Promise<ScreeningState> => {
    const row = onlyRow(
      await db.query<{ status: ScreeningState['status']; has_started: boolean; now: Date }>(
        `SELECT status, starts_at <= clock_timestamp() AS has_started, clock_timestamp() AS now
         FROM screenings WHERE id = $1`,
        [screeningId],
      ),
    );
    return { status: row.status, hasStarted: row.has_started, now: row.now };
  };

export const makeBookingsRepository = (db: Queryable) => ({
  find: find(db),
  get: get(db),
  list: list(db),
  lock: lock(db),
  setStatus: setStatus(db),
  findScreening: findScreening(db),
});
