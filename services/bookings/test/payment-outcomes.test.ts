import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

import { insertScreening } from '@movie-ticketing/catalog/testing/builders';
import { until } from '@movie-ticketing/kit/testing/until';
import { makeSimulatedProvider } from '../src/payments/simulated-provider.ts';
import { as, hold } from '../testing/clients.ts';
import { expectPromisesKept } from '../testing/promises.ts';
import { watched, type WatchedProvider } from '../testing/providers.ts';
import { startBookingsSystem, type BookingsSystem, type TestUser } from '../testing/system.ts';

describe('the outcome of a payment', () => {
  let system: BookingsSystem;
  let provider: WatchedProvider;
  let user: TestUser;
  let screeningId: number;
  beforeAll(async () => {
    system = await startBookingsSystem({
      env: { PAYMENT_ABANDON_SECONDS: '1' },
      provider: (db) => (provider = watched(makeSimulatedProvider(db, { lateMs: 1_500 }))),
    });
    [user] = (await system.users(1)) as [TestUser];
    screeningId = (await insertScreening(system.db)).id;
  });
  afterAll(() => system.stop());

  const client = () => as(system.server.api, user);
  /** The reconciler leaves a new payment to its request: makes this one due. */
  const age = (paymentId: number, seconds: number) =>
    system.db.query(
      `UPDATE payments SET created_at = created_at - $2::int * interval '1 second', next_check_at = clock_timestamp()
       WHERE id = $1`,
      [paymentId, seconds],
    );
  const chargesOf = (paymentId: number) =>
    provider.charges.filter(({ key }) => key === String(paymentId));

  test.each([['no token', undefined] as const, ['tok_approved', 'tok_approved'] as const])(
    '%s: 200, and the booking is confirmed and charged once for its total',
    async (_what, token) => {
      const { id } = await hold(system, user, screeningId, 2);
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

  test.each(['tok_declined', 'tok_unknown'])(
    '%s: 402, nothing is charged, and another payment may succeed',
    async (token) => {
      const { id } = await hold(system, user, screeningId);
      const declined = await client().pay(id, token);
      expect(declined).toMatchObject({ status: 402, body: { code: 'payment_declined' } });
      expect(declined.headers.get('content-type')).toContain('application/problem+json');
      expect((await client().booking(id)).body.booking.status).toBe('pending');
      expect((await client().pay(id)).status).toBe(200);
      await expectPromisesKept(system.db);
    },
  );

  test('a provider that never responds: 202, later declined, and the booking can be paid again', async () => {
    const { id } = await hold(system, user, screeningId);
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

  test('a provider that responds late: 202, later succeeded, and the booking is confirmed', async () => {
    const { id } = await hold(system, user, screeningId);
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

  test('an approval after the hold has expired is refunded and the seats stay released', async () => {
    const before = await system.seatsOf(screeningId);
    const { id } = await hold(system, user, screeningId, 2);
    const doubtful = await client().pay(id, 'tok_late', 'too-late');
    expect(doubtful.status).toBe(202);
    const paymentId = doubtful.body.payment.id;
    // Longer than an expired hold waits for a payment in progress.
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

  test('a cancelled paid booking has a payment that is refund_pending in the response, and refunded once the provider confirms', async () => {
    const { id } = await hold(system, user, screeningId);
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
