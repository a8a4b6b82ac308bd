import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

import { insertScreening } from '@movie-ticketing/catalog/testing/builders';
import { until } from '../../catalog/testing/lock-waits.ts';
import { makeSimulatedProvider } from '../src/payments/simulated-provider.ts';
import { as, hold } from '../testing/clients.ts';
import { expectPromisesKept } from '../testing/promises.ts';
import { watched, type WatchedProvider } from '../testing/providers.ts';
import { startBookingsSystem, type BookingsSystem, type Person } from '../testing/system.ts';

describe('what a payment comes to', () => {
  let system: BookingsSystem;
  let provider: WatchedProvider;
  let person: Person;
  let screeningId: number;
  beforeAll(async () => {
    system = await startBookingsSystem({
      env: { PAYMENT_ABANDON_SECONDS: '1' },
      provider: (db) => (provider = watched(makeSimulatedProvider(db, { lateMs: 1_500 }))),
    });
    [person] = (await system.people(1)) as [Person];
    screeningId = (await insertScreening(system.db)).id;
  });
  afterAll(() => system.stop());

  const client = () => as(system.server.api, person);
  /** The reconciler leaves a young payment to the request that began it: this one has waited enough. */
  const age = (paymentId: number, seconds: number) =>
    system.db.query(
      `UPDATE payments SET created_at = created_at - $2::int * interval '1 second', next_check_at = clock_timestamp()
       WHERE id = $1`,
      [paymentId, seconds],
    );
  const chargesOf = (paymentId: number) =>
    provider.charges.filter(({ key }) => key === String(paymentId));

  test.each([['no token', undefined] as const, ['tok_approved', 'tok_approved'] as const])(
    'when paid with %s, then 200, the booking is confirmed and charged once for its total',
    async (_what, token) => {
      const { id } = await hold(system, person, screeningId, 2);
      const paid = await client().pay(id, token);
      expect(paid.status).toBe(200);
      expect(paid.body.payment).toMatchObject({
        booking_id: id,
        status: 'succeeded',
        amount: { amount: 3_000, currency: 'USD' },
      });
      expect(Date.parse(paid.body.payment.paid_at)).not.toBeNaN();
      expect((await client().booking(id)).body.booking.status).toBe('confirmed');
      expect(chargesOf(paid.body.payment.id)).toEqual([
        { key: String(paid.body.payment.id), amountMinor: 3_000, currency: 'USD', token },
      ]);
      await expectPromisesKept(system.db);
    },
  );

  test.each(['tok_declined', 'tok_of_somebody_else'])(
    'when paid with %s, then 402, nothing is charged and another try may succeed',
    async (token) => {
      const { id } = await hold(system, person, screeningId);
      const declined = await client().pay(id, token);
      expect(declined).toMatchObject({ status: 402, body: { code: 'payment_declined' } });
      expect(declined.headers.get('content-type')).toContain('application/problem+json');
      expect((await client().booking(id)).body.booking.status).toBe('pending');
      expect((await client().pay(id)).status).toBe(200);
      await expectPromisesKept(system.db);
    },
  );

  test('when the provider never answers, then 202, and in the end it is declined and the booking can be paid again', async () => {
    const { id } = await hold(system, person, screeningId);
    const doubtful = await client().pay(id, 'tok_timeout');
    expect(doubtful).toMatchObject({
      status: 202,
      body: { payment: { status: 'processing', paid_at: null } },
    });
    const paymentId = doubtful.body.payment.id;
    expect((await client().pay(id)).body.code).toBe('payment_processing');
    expect((await client().cancel(id)).body.code).toBe('payment_processing');
    await age(paymentId, 2);
    await until(
      async () => (await client().payment(paymentId)).body.payment.status !== 'processing',
    );
    expect((await client().payment(paymentId)).body.payment.status).toBe('declined');
    expect(provider.abandoned).toContain(String(paymentId));
    expect((await client().pay(id)).status).toBe(200);
    expect(chargesOf(paymentId)).toHaveLength(1);
    await expectPromisesKept(system.db);
  });

  test('when the provider answers late, then 202, and in the end it succeeded and the booking is confirmed', async () => {
    const { id } = await hold(system, person, screeningId);
    const doubtful = await client().pay(id, 'tok_late', 'late');
    expect(doubtful.status).toBe(202);
    const paymentId = doubtful.body.payment.id;
    await age(paymentId, 0);
    await until(
      async () => (await client().payment(paymentId)).body.payment.status === 'succeeded',
    );
    expect((await client().booking(id)).body.booking.status).toBe('confirmed');
    expect(chargesOf(paymentId)).toHaveLength(1);
    const again = await client().pay(id, 'tok_late', 'late');
    expect(again).toMatchObject({ status: 200, body: { payment: { status: 'succeeded' } } });
    expect(again.headers.get('idempotent-replayed')).toBe('true');
    await expectPromisesKept(system.db);
  });

  test('when an approval comes after the hold ran out, then the money goes back and the seats stay given back', async () => {
    const before = await system.seatsOf(screeningId);
    const { id } = await hold(system, person, screeningId, 2);
    const doubtful = await client().pay(id, 'tok_late', 'too-late');
    expect(doubtful.status).toBe(202);
    const paymentId = doubtful.body.payment.id;
    // Past the time that a hold waits for a payment in doubt.
    await system.db.query(
      `UPDATE bookings SET expires_at = clock_timestamp() - interval '11 minutes' WHERE id = $1`,
      [id],
    );
    await until(async () => (await client().booking(id)).body.booking.status === 'expired');
    expect(await system.seatsOf(screeningId)).toBe(before);
    await age(paymentId, 0);
    await until(async () => (await client().payment(paymentId)).body.payment.status === 'refunded');
    expect((await client().booking(id)).body.booking.status).toBe('expired');
    expect(provider.refunds.filter((key) => key === String(paymentId))).toHaveLength(1);
    const again = await client().pay(id, 'tok_late', 'too-late');
    expect(again).toMatchObject({ status: 409, body: { code: 'booking_expired' } });
    await expectPromisesKept(system.db);
  });

  test('when a paid booking is cancelled, then it is refund_pending with the answer, and refunded once the provider confirmed', async () => {
    const { id } = await hold(system, person, screeningId);
    const paid = await client().pay(id);
    const cancelled = await client().cancel(id);
    expect(cancelled.body.booking.status).toBe('cancelled');
    const paymentId = paid.body.payment.id;
    await until(async () => (await client().payment(paymentId)).body.payment.status === 'refunded');
    expect((await client().booking(id)).body.booking.status).toBe('refunded');
    expect(provider.refunds.filter((key) => key === String(paymentId))).toHaveLength(1);
    await expectPromisesKept(system.db);
  });
});
