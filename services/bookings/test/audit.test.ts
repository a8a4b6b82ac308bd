import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

import {
  drawnPlan,
  insertPromoCode,
  insertScreening,
  insertSeatedScreening,
} from '@movie-ticketing/catalog/testing/builders';
import { audit, auditSnapshot, type Finding } from '../src/audit.ts';
import { as, hold } from '../testing/clients.ts';
import { openTransaction } from '../testing/row-lock.ts';
import { startBookingsSystem, type BookingsSystem, type TestUser } from '../testing/system.ts';

describe('the audit', () => {
  let system: BookingsSystem;
  let user: TestUser;
  /** A confirmed booking with keys, a pending one, a refunded one. */
  let confirmed: number;
  let pending: number;
  let refunded: number;
  /** A pending one of two numbered seats, with a promo code. */
  let seated: number;
  beforeAll(async () => {
    system = await startBookingsSystem();
    [user] = (await system.users(1)) as [TestUser];
    const screening = await insertScreening(system.db);
    const client = as(system.server.api, user);
    confirmed = (await client.book(screening.id, 2, 'a')).body.booking.id;
    await client.pay(confirmed, undefined, 'p');
    pending = (await hold(system, user, screening.id)).id;
    refunded = (await hold(system, user, screening.id)).id;
    await client.pay(refunded);
    await client.cancel(refunded);
    for (;;) {
      if ((await client.booking(refunded)).body.booking.status === 'refunded') break;
    }
    const seatedScreening = await insertSeatedScreening(system.db, drawnPlan(['ssss']));
    const { code } = await insertPromoCode(system.db);
    const made = await system.server.api('POST', '/bookings', {
      token: user.token,
      body: { screening_id: seatedScreening.id, num_tickets: 2, promo_code: code },
    });
    seated = made.body.booking.id;
    // No worker repairs what the test breaks from here on.
    await system.server.stop();
    await system.db.query('ALTER TABLE bookings DISABLE TRIGGER ALL');
    await system.db.query('ALTER TABLE payments DISABLE TRIGGER ALL');
    await system.db.query('ALTER TABLE tickets DISABLE TRIGGER ALL');
    await system.db.query('ALTER TABLE screenings DROP CONSTRAINT screenings_seat_map');
  });
  afterAll(() => system.stop());

  /** The findings of the audit after some statements, which are rolled back. */
  const findingsAfter = async (...statements: string[]): Promise<Finding[]> => {
    const tx = await openTransaction(system.databaseUrl);
    for (const statement of statements) {
      await tx.query(
        statement
          .replace('$confirmed', String(confirmed))
          .replace('$pending', String(pending))
          .replace('$refunded', String(refunded))
          .replaceAll('$seated', String(seated)),
      );
    }
    const findings = await audit(tx);
    await tx.query('ROLLBACK');
    await tx.commit();
    return findings;
  };
  const brokenAfter = async (...statements: string[]): Promise<string[]> =>
    (await findingsAfter(...statements))
      .filter(({ violations }) => violations > 0)
      .map(({ name }) => name);

  test('reports no violation in consistent data', async () => {
    expect(await brokenAfter()).toEqual([]);
    expect(await auditSnapshot(system.db)).toHaveLength(14);
  });

  const seats = 'every seat is available or belongs to exactly one live booking';
  const stored = 'every stored result agrees with its booking or payment';
  const outlives = 'no hold outlives its expiry by more than a minute';
  const paid = 'a booking is confirmed if and only if its payment succeeded';
  const back = 'a payment for a booking that is not confirmed is being refunded';
  const once = 'a booking is paid at most once, and for its total';
  const charges = 'payments agree with the records of the simulated provider on every charge';
  const refunds = 'payments agree with the records of the simulated provider on every refund';

  const places =
    'every taken seat is on exactly one live ticket, and every live ticket has its seat';
  const alive = 'the tickets of a booking are live if and only if the booking is';
  const has = 'a booking of a screening with a seat plan has its tickets';
  const belongs = 'every ticket belongs to a booking';
  const amounts = 'the amounts of a booking’s tickets add up to its total';
  const uses = 'the uses of a promo code are those of live bookings';

  test.each<[string, string, string[]]>([
    [
      'a taken seat has no ticket',
      `UPDATE screenings SET taken = B'1111' WHERE taken IS NOT NULL`,
      [places],
    ],
    [
      'a ticket has a seat that is not taken',
      `UPDATE tickets SET seat = 3 WHERE id = $seated * 1000`,
      [places],
    ],
    [
      'a ticket of a live booking is void',
      `UPDATE tickets SET status = 'void' WHERE id = $seated * 1000`,
      [places, alive],
    ],
    [
      'the tickets of a booking are gone',
      'DELETE FROM tickets WHERE id / 1000 = $seated',
      [places, has],
    ],
    [
      'a ticket has no booking',
      `INSERT INTO tickets (id, screening_id, price_minor, discount_minor, fee_minor, tax_minor)
       VALUES (999999000, 1, 0, 0, 0, 0)`,
      [belongs],
    ],
    [
      'a ticket costs something else',
      'UPDATE tickets SET fee_minor = fee_minor + 1 WHERE id = $seated * 1000',
      [amounts],
    ],
    ['a promo code was used more often', 'UPDATE promo_codes SET uses = uses + 1', [uses]],
    ['a seat vanishes', 'UPDATE screenings SET available_seats = available_seats - 1', [seats]],
    [
      'a seat is sold twice',
      'UPDATE screenings SET available_seats = available_seats + 1',
      [seats],
    ],
    [
      'an expired hold keeps its seats',
      `UPDATE bookings SET status = 'expired' WHERE id = $pending`,
      [seats],
    ],
    [
      'the booking of a stored result does not exist',
      'UPDATE bookings_idempotency_keys SET booking_id = 999999 WHERE booking_id = $confirmed',
      [stored],
    ],
    [
      'the booking of a stored cancellation is live',
      `INSERT INTO bookings_idempotency_keys (user_id, scope, key, request_hash, booking_id, outcome)
       VALUES (1, 'POST /bookings/1/cancel', 'c', '', $pending, 'cancelled')`,
      [stored],
    ],
    [
      'a settled payment has no stored outcome',
      'UPDATE bookings_idempotency_keys SET outcome = NULL WHERE payment_id IS NOT NULL',
      [stored],
    ],
    [
      'a hold is not expired in time',
      `UPDATE bookings SET expires_at = clock_timestamp() - interval '2 minutes' WHERE id = $pending`,
      [outlives],
    ],
    [
      'a booking is confirmed without a payment',
      `UPDATE bookings SET status = 'confirmed' WHERE id = $pending`,
      [paid],
    ],
    [
      'a paid booking is not confirmed',
      `UPDATE bookings SET status = 'pending' WHERE id = $confirmed`,
      [paid],
    ],
    [
      'a paid booking expired and is not refunded',
      `UPDATE bookings SET status = 'expired' WHERE id = $confirmed`,
      [seats, paid, back],
    ],
    [
      'a live booking is being refunded',
      `UPDATE payments SET status = 'refund_pending' WHERE booking_id = $confirmed`,
      [paid, back],
    ],
    [
      'a booking is paid for too little',
      `UPDATE payments SET amount_minor = 1 WHERE booking_id = $confirmed`,
      [once, charges],
    ],
    [
      'a booking is paid in another currency',
      `UPDATE payments SET currency = 'EUR' WHERE booking_id = $confirmed`,
      [once, charges],
    ],
    [
      'the provider did not approve a payment',
      `UPDATE simulated_charges SET outcome = 'declined' WHERE refunded_at IS NULL`,
      [charges],
    ],
    [
      'the provider charged without a payment',
      `INSERT INTO simulated_charges (key, amount_minor, currency, outcome) VALUES ('999999', 1500, 'USD', 'approved')`,
      [charges],
    ],
    [
      'a declined payment was charged',
      `UPDATE payments SET status = 'declined', paid_at = NULL WHERE booking_id = $confirmed`,
      [stored, paid, charges],
    ],
    ['the provider has no refund', 'UPDATE simulated_charges SET refunded_at = NULL', [refunds]],
    [
      'the provider refunded a payment that succeeded',
      'UPDATE simulated_charges SET refunded_at = clock_timestamp()',
      [refunds],
    ],
  ])('reports that %s', async (_what, sql, expected) => {
    expect(await brokenAfter(sql)).toEqual(expected);
  });

  test('reports that a booking is paid twice', async () => {
    const found = await brokenAfter(
      'DROP INDEX payments_one_live',
      `INSERT INTO payments (booking_id, amount_minor, currency, status, paid_at)
       SELECT booking_id, amount_minor, currency, status, paid_at FROM payments WHERE booking_id = $confirmed`,
    );
    expect(found).toContain(once);
  });

  test('reports that the payment of a refunded booking is not refunded', async () => {
    const found = await brokenAfter(
      `UPDATE payments SET status = 'succeeded', refunded_at = NULL WHERE booking_id = $refunded`,
    );
    expect(found).toEqual([paid, back, refunds]);
  });

  test('counts all violations and shows the first five', async () => {
    const [finding] = await findingsAfter(
      `INSERT INTO screenings (movie_id, theater_id, starts_at, ends_at, price_minor, currency, total_seats, available_seats)
       SELECT movie_id, theater_id, starts_at + n * interval '1 day', ends_at + n * interval '1 day', 1, 'USD', 10, 9
       FROM screenings, generate_series(1, 12) n WHERE seat_plan_id IS NULL`,
    );
    expect(finding).toMatchObject({ name: seats, promise: 1, violations: 12 });
    expect(finding!.examples).toHaveLength(5);
  });
});
