import type { Queryable } from '@movie-ticketing/kit/database';

import { seatChecks } from './seats/seats.checks.ts';
import { ticketChecks } from './tickets/tickets.checks.ts';

/** A promise and the SQL that finds its violations, one per row. */
export type Check = { name: string; promise: 1 | 2 | 3 | 4 | 5 | 6; sql: string };

/** The number of violations that a check found, with the first few. */
export type Finding = { name: string; promise: number; violations: number; examples: string[] };

/** The present, or the moment that a restored dump shows. */
const now = `coalesce(nullif(current_setting('audit.now', true), '')::timestamptz, clock_timestamp())`;

/**
 * What is always true (README, "What it promises": 1 seats, 2 durability, 3 holds, 4 money, 5 tickets, 6 amounts), checked on
 * the rows in one snapshot. It may run at any time, under load.
 */
const checks: readonly Check[] = [
  ...seatChecks,
  ...ticketChecks,
  {
    name: 'every stored result agrees with its booking or payment',
    promise: 2,
    sql: `SELECT k.user_id, k.key, k.outcome, k.booking_id, b.status AS booking, k.payment_id, p.status AS payment
      FROM bookings_idempotency_keys k
      LEFT JOIN bookings b ON b.id = k.booking_id LEFT JOIN payments p ON p.id = k.payment_id
      WHERE (k.booking_id IS NOT NULL AND b.id IS NULL)
        OR (k.outcome = 'cancelled' AND b.status NOT IN ('cancelled', 'refunded'))
        OR ((k.outcome IS NULL) <> (p.status = 'processing'))
        OR (k.outcome = 'succeeded' AND p.status NOT IN ('succeeded', 'refund_pending', 'refunded'))
        OR (k.outcome = 'payment_declined' AND p.status <> 'declined')`,
  },
  {
    name: 'no hold outlives its expiry by more than a minute',
    promise: 3,
    sql: `SELECT b.id, b.expires_at FROM bookings b
      WHERE b.status = 'pending' AND b.expires_at < ${now} - interval '1 minute'
        AND (b.expires_at < ${now} - interval '15 minutes' OR NOT EXISTS (
          SELECT FROM payments p WHERE p.booking_id = b.id AND p.status = 'processing'))`,
  },
  {
    name: 'a booking is confirmed if and only if its payment succeeded',
    promise: 3,
    sql: `SELECT b.id, b.status, p.status AS payment FROM bookings b
      LEFT JOIN payments p ON p.booking_id = b.id AND p.status <> 'declined'
      WHERE (b.status = 'confirmed') <> (p.status IS NOT DISTINCT FROM 'succeeded')`,
  },
  {
    name: 'a payment for a booking that is not confirmed is being refunded',
    promise: 3,
    sql: `SELECT b.id, b.status, p.status AS payment FROM bookings b
      JOIN payments p ON p.booking_id = b.id
      WHERE (b.status IN ('cancelled', 'expired') AND p.status = 'succeeded')
        OR (b.status = 'refunded' AND p.status NOT IN ('refunded', 'declined'))
        OR (b.status IN ('pending', 'confirmed') AND p.status IN ('refund_pending', 'refunded'))`,
  },
  {
    name: 'a booking is paid at most once, and for its total',
    promise: 4,
    sql: `SELECT b.id, count(*)::int AS payments, sum(p.amount_minor)::bigint AS paid FROM bookings b
      JOIN payments p ON p.booking_id = b.id AND p.status <> 'declined'
      GROUP BY b.id HAVING count(*) > 1 OR sum(p.amount_minor) <> b.total_minor
        OR bool_or(p.currency <> b.currency)`,
  },
  {
    name: 'payments agree with the records of the simulated provider on every charge',
    promise: 4,
    sql: `SELECT coalesce(c.key, p.id::text) AS payment, p.status, c.outcome
      FROM payments p FULL JOIN simulated_charges c ON c.key = p.id::text
      WHERE p.id IS NULL
        OR (p.status IN ('succeeded', 'refund_pending', 'refunded') AND c.outcome IS DISTINCT FROM 'approved')
        OR (p.status = 'declined' AND c.outcome IS NOT DISTINCT FROM 'approved')
        OR (c.key IS NOT NULL AND (c.amount_minor, c.currency) <> (p.amount_minor, p.currency))`,
  },
  {
    name: 'payments agree with the records of the simulated provider on every refund',
    promise: 4,
    sql: `SELECT p.id, p.status, c.refunded_at FROM payments p JOIN simulated_charges c ON c.key = p.id::text
      WHERE (p.status = 'refunded' AND c.refunded_at IS NULL)
        OR (c.refunded_at IS NOT NULL AND p.status NOT IN ('refund_pending', 'refunded'))`,
  },
];

/** Runs every check on `db`: a REPEATABLE READ transaction gives one snapshot. */
export const audit = async (db: Queryable): Promise<Finding[]> => {
  const findings: Finding[] = [];
  for (const { name, promise, sql } of checks) {
    const rows = await db.query<{ count: number; example: object }>(
      `SELECT count(*) OVER ()::int AS count, to_jsonb(v) AS example FROM (${sql}) v LIMIT 5`,
    );
    findings.push({
      name,
      promise,
      violations: rows[0]?.count ?? 0,
      examples: rows.map(({ example }) => JSON.stringify(example)),
    });
  }
  return findings;
};

/**
 * Audits one snapshot of a live database, or of a restored one.
 * @param asOf the moment that a restored database shows: holds that expired since are no violation
 */
export const auditSnapshot = (
  db: { transaction: <T>(work: (tx: Queryable) => Promise<T>) => Promise<T> },
  asOf = '',
): Promise<Finding[]> =>
  db.transaction(async (tx) => {
    await tx.query('SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY');
    await tx.query("SELECT set_config('audit.now', $1, true)", [asOf]);
    return audit(tx);
  });
