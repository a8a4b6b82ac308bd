import { onlyRow, type Queryable } from '@movie-ticketing/kit/database';

import type { Payment, PaymentStatus } from './payments.schema.ts';

type PaymentRow = {
  id: number;
  booking_id: number;
  amount_minor: number;
  currency: string;
  status: PaymentStatus;
  paid_at: Date | null;
};

const columns = 'id, booking_id, amount_minor, currency, status, paid_at';

const toPayment = (row: PaymentRow): Payment => ({
  id: row.id,
  bookingId: row.booking_id,
  amountMinor: row.amount_minor,
  currency: row.currency,
  status: row.status,
  paidAt: row.paid_at,
});

/** A payment that the reconciler works on: undecided, or waiting for its refund. */
export type OpenPayment = Payment & { ageMs: number };

const find =
  (db: Queryable) =>
  async (id: number): Promise<(Payment & { userId: number }) | undefined> => {
    const [row] = await db.query<PaymentRow & { user_id: number }>(
      `SELECT ${columns}, (SELECT user_id FROM bookings WHERE id = booking_id) AS user_id
       FROM payments WHERE id = $1`,
      [id],
    );
    return row && { ...toPayment(row), userId: row.user_id };
  };

/** @throws Error if the payment does not exist */
const get =
  (db: Queryable) =>
  async (id: number): Promise<Payment> =>
    toPayment(
      onlyRow(await db.query<PaymentRow>(`SELECT ${columns} FROM payments WHERE id = $1`, [id])),
    );

/** The payment of a booking that was not declined: at most one exists. */
const findLive =
  (db: Queryable) =>
  async (bookingId: number): Promise<Payment | undefined> => {
    const [row] = await db.query<PaymentRow>(
      `SELECT ${columns} FROM payments WHERE booking_id = $1 AND status <> 'declined'`,
      [bookingId],
    );
    return row && toPayment(row);
  };

/** Step 4 of the lock order. */
const lock =
  (db: Queryable) =>
  async (id: number): Promise<Payment> => {
    const rows = await db.query<PaymentRow>(
      `SELECT ${columns} FROM payments WHERE id = $1 FOR NO KEY UPDATE`,
      [id],
    );
    return toPayment(onlyRow(rows));
  };

/** @param checkInMs when the reconciler first checks it, in case this process does not settle it */
const insert =
  (db: Queryable) =>
  async (
    booking: { id: number; totalMinor: number; currency: string },
    checkInMs: number,
  ): Promise<Payment> => {
    const rows = await db.query<PaymentRow>(
      `INSERT INTO payments (booking_id, amount_minor, currency, next_check_at)
       VALUES ($1, $2, $3, clock_timestamp() + $4::float8 * interval '1 millisecond')
       RETURNING ${columns}`,
      [booking.id, booking.totalMinor, booking.currency, checkInMs],
    );
    return toPayment(onlyRow(rows));
  };

const setStatus =
  (db: Queryable) =>
  async (id: number, status: PaymentStatus): Promise<Payment> => {
    const rows = await db.query<PaymentRow>(
      `UPDATE payments SET status = $2, next_check_at = clock_timestamp(), attempts = 0,
         paid_at = CASE WHEN $2 IN ('succeeded', 'refund_pending') THEN coalesce(paid_at, clock_timestamp()) ELSE paid_at END,
         refunded_at = CASE WHEN $2 = 'refunded' THEN clock_timestamp() END
       WHERE id = $1 RETURNING ${columns}`,
      [id, status],
    );
    return toPayment(onlyRow(rows));
  };

/** Requests the refunds of bookings. A payment in progress becomes a refund if it is approved later. */
const requestRefunds =
  (db: Queryable) =>
  async (bookingIds: readonly number[]): Promise<void> => {
    await db.query(
      `UPDATE payments SET status = 'refund_pending', next_check_at = clock_timestamp(), attempts = 0
       WHERE booking_id = ANY($1) AND status = 'succeeded'`,
      [bookingIds],
    );
  };

/**
 * Reserves due payments for this process: others skip them until the next check, whose delay doubles with
 * every attempt from 1 s to 5 minutes.
 */
const takeOpen =
  (db: Queryable) =>
  async (limit: number): Promise<OpenPayment[]> => {
    const rows = await db.query<PaymentRow & { age_ms: number }>(
      `UPDATE payments SET attempts = attempts + 1,
         next_check_at = clock_timestamp() + least(interval '1 second' * 2 ^ least(attempts, 10), interval '5 minutes')
       WHERE id IN (
         SELECT id FROM payments
         WHERE status IN ('processing', 'refund_pending') AND next_check_at <= clock_timestamp()
         ORDER BY next_check_at LIMIT $1 FOR NO KEY UPDATE SKIP LOCKED)
       RETURNING ${columns}, extract(epoch FROM clock_timestamp() - created_at)::float8 * 1000 AS age_ms`,
      [limit],
    );
    return rows.map((row) => ({ ...toPayment(row), ageMs: row.age_ms }));
  };

export const makePaymentsRepository = (db: Queryable) => ({
  find: find(db),
  get: get(db),
  findLive: findLive(db),
  lock: lock(db),
  insert: insert(db),
  setStatus: setStatus(db),
  requestRefunds: requestRefunds(db),
  takeOpen: takeOpen(db),
});
