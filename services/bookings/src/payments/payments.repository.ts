import type { Queryable } from '@movie-ticketing/kit/database';
import type { IdempotentRequest } from '@movie-ticketing/kit/endpoint';

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

/** A payment taken up by a background round: in doubt, or waiting for its refund. */
export type OpenPayment = Payment & { ageMs: number };

const find =
  (db: Queryable) =>
  async (id: number): Promise<(Payment & { userId: number }) | undefined> => {
    const [row] = await db.query<PaymentRow & { user_id: number }>(
      `SELECT p.id, p.booking_id, p.amount_minor, p.currency, p.status, p.paid_at, b.user_id
       FROM payments p JOIN bookings b ON b.id = p.booking_id WHERE p.id = $1`,
      [id],
    );
    return row && { ...toPayment(row), userId: row.user_id };
  };

/** A booking's payment that was not declined; there is one at most. */
const findLive =
  (db: Queryable) =>
  async (bookingId: number): Promise<Payment | undefined> => {
    const [row] = await db.query<PaymentRow>(
      `SELECT ${columns} FROM payments WHERE booking_id = $1 AND status <> 'declined'`,
      [bookingId],
    );
    return row && toPayment(row);
  };

/** Step 3 of the lock order. */
const lock =
  (db: Queryable) =>
  async (id: number): Promise<Payment | undefined> => {
    const [row] = await db.query<PaymentRow>(
      `SELECT ${columns} FROM payments WHERE id = $1 FOR NO KEY UPDATE`,
      [id],
    );
    return row && toPayment(row);
  };

/** @param checkInMs when the reconciler looks, should this process not come back */
const insert =
  (db: Queryable) =>
  async (
    booking: { id: number; totalMinor: number; currency: string },
    checkInMs: number,
  ): Promise<Payment> => {
    const [row] = await db.query<PaymentRow>(
      `INSERT INTO payments (booking_id, amount_minor, currency, next_check_at)
       VALUES ($1, $2, $3, clock_timestamp() + $4::float8 * interval '1 millisecond')
       RETURNING ${columns}`,
      [booking.id, booking.totalMinor, booking.currency, checkInMs],
    );
    if (row === undefined) throw new Error('the payment was not inserted');
    return toPayment(row);
  };

const setStatus =
  (db: Queryable) =>
  async (id: number, status: PaymentStatus): Promise<Payment> => {
    const [row] = await db.query<PaymentRow>(
      `UPDATE payments SET status = $2, next_check_at = clock_timestamp(), attempts = 0,
         paid_at = CASE WHEN $2 IN ('succeeded', 'refund_pending') THEN coalesce(paid_at, clock_timestamp()) ELSE paid_at END,
         refunded_at = CASE WHEN $2 = 'refunded' THEN clock_timestamp() END
       WHERE id = $1 RETURNING ${columns}`,
      [id, status],
    );
    if (row === undefined) throw new Error(`payment ${String(id)} vanished`);
    return toPayment(row);
  };

/** Paid ones will be paid back; one still processing turns into a refund if it is approved after all. */
const requestRefund =
  (db: Queryable) =>
  async (ids: readonly number[]): Promise<void> => {
    await db.query(
      `UPDATE payments SET status = 'refund_pending', next_check_at = clock_timestamp(), attempts = 0
       WHERE id = ANY($1) AND status = 'succeeded'`,
      [ids],
    );
  };

/**
 * Takes up payments that are due, so that no other process does for a while: the time doubles with
 * every try, from 1 s to 5 minutes.
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

/** Claims a key for a payment that has no answer yet. Step 4 of the lock order. */
const claimKey =
  (db: Queryable) =>
  async (request: IdempotentRequest, paymentId: number): Promise<void> => {
    await db.query(
      `INSERT INTO bookings_idempotency_keys (user_id, scope, key, request_hash, payment_id)
       VALUES ($1, $2, $3, $4, $5)`,
      [request.userId, request.scope, request.key, request.requestHash, paymentId],
    );
  };

const findClaim =
  (db: Queryable) =>
  async (
    request: IdempotentRequest,
  ): Promise<
    | { requestHash: Buffer; status: number | null; body: string | null; paymentId: number | null }
    | undefined
  > => {
    const [row] = await db.query<{
      request_hash: Buffer;
      status: number | null;
      body: string | null;
      payment_id: number | null;
    }>(
      `SELECT request_hash, status, body, payment_id FROM bookings_idempotency_keys
       WHERE user_id = $1 AND scope = $2 AND key = $3`,
      [request.userId, request.scope, request.key],
    );
    return (
      row && {
        requestHash: row.request_hash,
        status: row.status,
        body: row.body,
        paymentId: row.payment_id,
      }
    );
  };

/** Stores a settled payment's answer under the key it was begun with, if it had one. */
const answerClaim =
  (db: Queryable) =>
  async (paymentId: number, status: number, body: string): Promise<void> => {
    await db.query(
      `UPDATE bookings_idempotency_keys SET status = $2, body = $3 WHERE payment_id = $1 AND status IS NULL`,
      [paymentId, status, body],
    );
  };

export const makePaymentsRepository = (db: Queryable) => ({
  find: find(db),
  findLive: findLive(db),
  lock: lock(db),
  insert: insert(db),
  setStatus: setStatus(db),
  requestRefund: requestRefund(db),
  takeOpen: takeOpen(db),
  claimKey: claimKey(db),
  findClaim: findClaim(db),
  answerClaim: answerClaim(db),
});
