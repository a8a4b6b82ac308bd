import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

import { insertScreening } from '@movie-ticketing/catalog/testing/builders';
import { audit, auditSnapshot, type Finding } from '../src/audit.ts';
import { as, hold } from '../testing/clients.ts';
import { openTransaction } from '../testing/row-lock.ts';
import { startBookingsSystem, type BookingsSystem, type Person } from '../testing/system.ts';

describe('the audit', () => {
  let system: BookingsSystem;
  let person: Person;
  /** A confirmed booking, a pending one, a refunded one, each answered under a key. */
  let confirmed: number;
  let pending: number;
  let refunded: number;
  beforeAll(async () => {
    system = await startBookingsSystem();
    [person] = (await system.people(1)) as [Person];
    const screening = await insertScreening(system.db);
    const client = as(system.server.api, person);
    confirmed = (await client.book(screening.id, 2, 'a')).body.booking.id;
    await client.pay(confirmed, undefined, 'p');
    pending = (await hold(system, person, screening.id)).id;
    refunded = (await hold(system, person, screening.id)).id;
    await client.pay(refunded);
    await client.cancel(refunded);
    for (;;) {
      if ((await client.booking(refunded)).body.booking.status === 'refunded') break;
    }
    // From here on nothing mends what the test breaks.
    await system.server.stop();
    await system.db.query('ALTER TABLE bookings DISABLE TRIGGER ALL');
    await system.db.query('ALTER TABLE payments DISABLE TRIGGER ALL');
  });
  afterAll(() => system.stop());

  /** Breaks something, asks the audit, and takes it back. */
  const findingsAfter = async (...statements: string[]): Promise<Finding[]> => {
    const tx = await openTransaction(system.databaseUrl);
    for (const statement of statements) {
      await tx.query(
        statement
          .replace('$confirmed', String(confirmed))
          .replace('$pending', String(pending))
          .replace('$refunded', String(refunded)),
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

  test('when nothing is broken, then every check holds', async () => {
    expect(await brokenAfter()).toEqual([]);
    expect(await auditSnapshot(system.db)).toHaveLength(8);
  });

  const seats = 'every seat is free or in exactly one live booking';
  const stored = 'every stored answer to a booking names a booking that exists';
  const outlives = 'no hold outlives its time by more than a minute';
  const paid = 'a booking is confirmed exactly when its payment succeeded';
  const back = 'money for a booking that is not confirmed is on its way back';
  const once = 'a booking is paid at most once, and for its total';
  const charges = 'our books and the simulated provider’s agree on every charge';
  const refunds = 'our books and the simulated provider’s agree on every refund';

  test.each<[string, string, string[]]>([
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
      'a booking that was answered is not there',
      `UPDATE bookings SET reference = 'ANOTHERBOOKING' WHERE id = $confirmed`,
      [stored],
    ],
    [
      'a hold is not swept',
      `UPDATE bookings SET expires_at = clock_timestamp() - interval '2 minutes' WHERE id = $pending`,
      [outlives],
    ],
    [
      'a booking is confirmed unpaid',
      `UPDATE bookings SET status = 'confirmed' WHERE id = $pending`,
      [paid],
    ],
    [
      'a paid booking is not confirmed',
      `UPDATE bookings SET status = 'pending' WHERE id = $confirmed`,
      [paid],
    ],
    [
      'a paid booking expired and its money is kept',
      `UPDATE bookings SET status = 'expired' WHERE id = $confirmed`,
      [seats, paid, back],
    ],
    [
      'a live booking’s money goes back',
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
      'the provider never approved',
      `UPDATE simulated_charges SET outcome = 'declined' WHERE refunded_at IS NULL`,
      [charges],
    ],
    [
      'the provider charged and we have no payment',
      `INSERT INTO simulated_charges (key, amount_minor, currency, outcome) VALUES ('999999', 1500, 'USD', 'approved')`,
      [charges],
    ],
    [
      'a declined payment was charged',
      `UPDATE payments SET status = 'declined', paid_at = NULL WHERE booking_id = $confirmed`,
      [paid, charges],
    ],
    ['a refund was not made', 'UPDATE simulated_charges SET refunded_at = NULL', [refunds]],
    [
      'money that we keep was paid back',
      'UPDATE simulated_charges SET refunded_at = clock_timestamp()',
      [refunds],
    ],
  ])('when %s, then the check for it says so', async (_what, sql, expected) => {
    expect(await brokenAfter(sql)).toEqual(expected);
  });

  test('when a booking is paid twice, then the check for it says so', async () => {
    const found = await brokenAfter(
      'DROP INDEX payments_one_live',
      `INSERT INTO payments (booking_id, amount_minor, currency, status, paid_at)
       SELECT booking_id, amount_minor, currency, status, paid_at FROM payments WHERE booking_id = $confirmed`,
    );
    expect(found).toContain(once);
  });

  test('when a refunded booking’s payment is not refunded, then the check for it says so', async () => {
    const found = await brokenAfter(
      `UPDATE payments SET status = 'succeeded', refunded_at = NULL WHERE booking_id = $refunded`,
    );
    expect(found).toEqual([paid, back, refunds]);
  });

  test('when much is broken, then it counts all and shows the first five', async () => {
    const [finding] = await findingsAfter(
      `INSERT INTO screenings (movie_id, theater_id, starts_at, ends_at, price_minor, currency, total_seats, available_seats)
       SELECT movie_id, theater_id, starts_at + n * interval '1 day', ends_at + n * interval '1 day', 1, 'USD', 10, 9
       FROM screenings, generate_series(1, 12) n`,
    );
    expect(finding).toMatchObject({ name: seats, promise: 1, violations: 12 });
    expect(finding!.examples).toHaveLength(5);
  });
});
