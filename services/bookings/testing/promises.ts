import { expect } from '@jest/globals';
import type { Database } from '@movie-ticketing/kit/database';

import { auditSnapshot } from '../src/audit.ts';

/** The audit finds no violation in this database. */
export const expectPromisesKept = async (db: Database): Promise<void> => {
  const violations = (await auditSnapshot(db)).filter((it) => it.violations > 0);
  expect(violations).toEqual([]);
  await expectInvariants(db);
};

type Booking = { id: number; screening_id: number; num_tickets: number; status: string };
type Payment = { booking_id: number; status: string };

/** The same checks in code over all rows, independent of the audit's SQL. */
const expectInvariants = async (db: Database): Promise<void> => {
  const [screenings, bookings, payments, charges] = await db.transaction(async (tx) => {
    await tx.query('SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY');
    return [
      await tx.query<{ id: number; total_seats: number; available_seats: number }>(
        'SELECT id, total_seats, available_seats FROM screenings',
      ),
      await tx.query<Booking>('SELECT id, screening_id, num_tickets, status FROM bookings'),
      await tx.query<Payment>('SELECT booking_id, status FROM payments'),
      await tx.query<{ booking_id: number; refunded: boolean }>(
        `SELECT p.booking_id, c.refunded_at IS NOT NULL AS refunded FROM simulated_charges c
         JOIN payments p ON p.id::text = c.key WHERE c.outcome = 'approved'`,
      ),
    ] as const;
  });
  for (const { id, total_seats: total, available_seats: free } of screenings) {
    const held = bookings
      .filter((it) => it.screening_id === id && ['pending', 'confirmed'].includes(it.status))
      .reduce((sum, it) => sum + it.num_tickets, 0);
    expect({ screening: id, seats: free + held }).toEqual({ screening: id, seats: total });
  }
  const live = new Map(
    payments.filter((it) => it.status !== 'declined').map((it) => [it.booking_id, it.status]),
  );
  expect(live.size).toBe(payments.filter((it) => it.status !== 'declined').length);
  for (const { id, status } of bookings) {
    expect({ id, paid: live.get(id) === 'succeeded' }).toEqual({
      id,
      paid: status === 'confirmed',
    });
  }
  // Charged at most once, and a refunded charge is not kept too.
  expect(new Set(charges.map((it) => it.booking_id)).size).toBe(charges.length);
  for (const { booking_id: id, refunded } of charges) {
    expect({ id, kept: live.get(id) === 'succeeded' && refunded }).toEqual({ id, kept: false });
  }
};

/** The database has exactly the bookings that were answered with 201. */
export const expectLedger = async (
  db: Database,
  responses: readonly { status: number; body: { booking?: { reference: string } } }[],
): Promise<void> => {
  const answered = responses.flatMap(({ status, body }) =>
    status === 201 && body.booking !== undefined ? [body.booking.reference] : [],
  );
  const rows = await db.query<{ reference: string }>('SELECT reference FROM bookings');
  expect(rows.map(({ reference }) => reference).sort()).toEqual(answered.sort());
};
