import type { Queryable } from '@movie-ticketing/kit/database';

/** A promise and the SQL that finds what breaks it. Each query gives one row a violation. */
type Check = { name: string; promise: 1 | 2 | 3 | 4; sql: string };

/** How many violations a check found, with the first few. */
export type Finding = { name: string; promise: number; violations: number; examples: string[] };

/**
 * What is always true (README, "What it promises": 1 seats, 2 durability, 3 holds, 4 money), asked of the rows.
 * All in one snapshot: it may run at any time, under load.
 */
const checks: readonly Check[] = [
  {
    name: 'every seat is free or in exactly one live booking',
    promise: 1,
    sql: `SELECT s.id, s.total_seats, s.available_seats, coalesce(sum(b.num_tickets), 0)::int AS held
      FROM screenings s LEFT JOIN bookings b ON b.screening_id = s.id AND b.status IN ('pending', 'confirmed')
      GROUP BY s.id HAVING s.total_seats <> s.available_seats + coalesce(sum(b.num_tickets), 0)`,
  },
  {
    name: 'every stored answer to a booking names a booking that exists',
    promise: 2,
    sql: `SELECT k.user_id, k.key, k.body::jsonb #>> '{booking,id}' AS booking_id
      FROM bookings_idempotency_keys k
      WHERE k.scope = 'POST /bookings' AND NOT EXISTS (
        SELECT FROM bookings b WHERE b.id = (k.body::jsonb #>> '{booking,id}')::bigint
          AND b.reference = k.body::jsonb #>> '{booking,reference}')`,
  },
  {
    name: 'no hold outlives its time by more than a minute',
    promise: 3,
    sql: `SELECT b.id, b.expires_at FROM bookings b
      WHERE b.status = 'pending' AND b.expires_at < clock_timestamp() - interval '1 minute'
        AND (b.expires_at < clock_timestamp() - interval '15 minutes' OR NOT EXISTS (
          SELECT FROM payments p WHERE p.booking_id = b.id AND p.status = 'processing'))`,
  },
  {
    name: 'a booking is confirmed exactly when its payment succeeded',
    promise: 3,
    sql: `SELECT b.id, b.status, p.status AS payment FROM bookings b
      LEFT JOIN payments p ON p.booking_id = b.id AND p.status <> 'declined'
      WHERE (b.status = 'confirmed') <> (p.status IS NOT DISTINCT FROM 'succeeded')`,
  },
  {
    name: 'money for a booking that is not confirmed is on its way back',
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
    name: 'our books and the simulated provider’s agree on every charge',
    promise: 4,
    sql: `SELECT coalesce(c.key, p.id::text) AS payment, p.status, c.outcome
      FROM payments p FULL JOIN simulated_charges c ON c.key = p.id::text
      WHERE p.id IS NULL
        OR (p.status IN ('succeeded', 'refund_pending', 'refunded') AND c.outcome IS DISTINCT FROM 'approved')
        OR (p.status = 'declined' AND c.outcome IS NOT DISTINCT FROM 'approved')
        OR (c.key IS NOT NULL AND (c.amount_minor, c.currency) <> (p.amount_minor, p.currency))`,
  },
  {
    name: 'our books and the simulated provider’s agree on every refund',
    promise: 4,
    sql: `SELECT p.id, p.status, c.refunded_at FROM payments p JOIN simulated_charges c ON c.key = p.id::text
      WHERE (p.status = 'refunded' AND c.refunded_at IS NULL)
        OR (c.refunded_at IS NOT NULL AND p.status NOT IN ('refund_pending', 'refunded'))`,
  },
];

/** Runs every check on `db`; give it one REPEATABLE READ transaction for one snapshot. */
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

/** The audit in one snapshot of a live database. */
export const auditSnapshot = (db: {
  transaction: <T>(work: (tx: Queryable) => Promise<T>) => Promise<T>;
}): Promise<Finding[]> =>
  db.transaction(async (tx) => {
    await tx.query('SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY');
    return audit(tx);
  });
