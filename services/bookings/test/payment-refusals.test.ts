import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

import { insertScreening } from '@movie-ticketing/catalog/testing/builders';
import { insertBooking } from '../testing/booking-rows.ts';
import { as, hold } from '../testing/clients.ts';
import { expectPromisesKept } from '../testing/promises.ts';
import { startBookingsSystem, type BookingsSystem, type TestUser } from '../testing/system.ts';

describe('payments that are refused or repeated', () => {
  let system: BookingsSystem;
  let user: TestUser;
  let other: TestUser;
  let screeningId: number;
  beforeAll(async () => {
    system = await startBookingsSystem();
    [user, other] = (await system.users(2)) as [TestUser, TestUser];
    screeningId = (await insertScreening(system.db)).id;
  });
  afterAll(() => system.stop());
  const client = () => as(system.server.api, user);

  test('a paid booking is refused with 409 booking_already_paid', async () => {
    const { id } = await hold(system, user, screeningId);
    await client().pay(id);
    expect(await client().pay(id)).toMatchObject({
      status: 409,
      body: { code: 'booking_already_paid' },
    });
  });

  test('a cancelled booking is refused with 409 booking_cancelled', async () => {
    const { id } = await hold(system, user, screeningId);
    await client().cancel(id);
    expect(await client().pay(id)).toMatchObject({
      status: 409,
      body: { code: 'booking_cancelled' },
    });
  });

  test('an expired hold is refused with 409 booking_expired, before and after the worker marks it', async () => {
    const screening = await insertScreening(system.db, { total_seats: 10, available_seats: 9 });
    const { id } = await insertBooking(system.db, {
      user_id: user.id,
      screening_id: screening.id,
      expiresInMs: -1,
    });
    // The clock decides, not the worker.
    for (;;) {
      expect(await client().pay(id)).toMatchObject({
        status: 409,
        body: { code: 'booking_expired' },
      });
      if ((await client().booking(id)).body.booking.status === 'expired') break;
    }
    expect((await client().pay(id)).body.code).toBe('booking_expired');
    const charged = await system.db.query('SELECT FROM payments WHERE booking_id = $1', [id]);
    expect(charged).toHaveLength(0);
    await expectPromisesKept(system.db);
  });

  test('the booking of another user and an unknown one get the same 404', async () => {
    const { id } = await hold(system, user, screeningId);
    const ofOther = await as(system.server.api, other).pay(id);
    const unknown = await as(system.server.api, other).pay(999_999_999);
    expect(ofOther.status).toBe(404);
    expect({ ...ofOther.body, instance: '' }).toEqual({ ...unknown.body, instance: '' });
  });

  test('staff may pay for a user; other customers do not see the payment', async () => {
    const staff = await system.user('staff');
    const { id } = await hold(system, user, screeningId);
    const paid = await as(system.server.api, staff).pay(id);
    expect(paid.status).toBe(200);
    const paymentId = paid.body.payment.id;
    expect((await client().payment(paymentId)).status).toBe(200);
    expect((await as(system.server.api, staff).payment(paymentId)).status).toBe(200);
    expect((await as(system.server.api, other).payment(paymentId)).status).toBe(404);
    expect((await as(system.server.api, other).payment(999_999_999)).status).toBe(404);
  });

  test('a successful payment repeated with its key replays the 200', async () => {
    const { id } = await hold(system, user, screeningId);
    const first = await client().pay(id, undefined, 'good');
    const again = await client().pay(id, undefined, 'good');
    expect(first.headers.has('idempotent-replayed')).toBe(false);
    expect(again).toMatchObject({ status: 200, body: first.body });
    expect(again.headers.get('idempotent-replayed')).toBe('true');
  });

  test('a declined payment repeated with its key replays the 402; a new key makes a new attempt', async () => {
    const { id } = await hold(system, user, screeningId);
    const first = await client().pay(id, 'tok_declined', 'bad');
    const again = await client().pay(id, 'tok_declined', 'bad');
    expect(first.status).toBe(402);
    expect(again).toMatchObject({ status: 402, body: first.body });
    expect(again.headers.get('content-type')).toContain('application/problem+json');
    expect(again.headers.get('idempotent-replayed')).toBe('true');
    expect((await client().pay(id, undefined, 'better')).status).toBe(200);
    await expectPromisesKept(system.db);
  });

  test('a payment in doubt repeated with its key replays the 202 and charges once', async () => {
    const { id } = await hold(system, user, screeningId);
    const first = await client().pay(id, 'tok_timeout', 'doubt');
    const again = await client().pay(id, 'tok_timeout', 'doubt');
    expect([first.status, again.status]).toEqual([202, 202]);
    expect(again.body.payment.id).toBe(first.body.payment.id);
    expect(again.headers.get('idempotent-replayed')).toBe('true');
  });

  test('the key of a payment with another booking or token is refused with 422', async () => {
    const { id } = await hold(system, user, screeningId);
    await client().pay(id, undefined, 'mine');
    for (const again of [
      await client().pay(id, 'tok_declined', 'mine'),
      await client().pay(id + 1, undefined, 'mine'),
    ]) {
      expect(again).toMatchObject({ status: 422, body: { code: 'idempotency_key_reused' } });
    }
  });

  test('a refused payment leaves its key free', async () => {
    const { id } = await hold(system, user, screeningId);
    expect((await client().pay(999_999_999, undefined, 'free')).status).toBe(404);
    expect((await client().pay(id, undefined, 'free')).status).toBe(200);
  });

  test.each([
    [{}],
    [{ booking_id: 0 }],
    [{ booking_id: '1' }],
    [{ booking_id: 2 ** 53 }],
    [{ booking_id: 1, payment_token: '' }],
    [{ booking_id: 1, payment_token: 'a\u0000b' }],
    [{ booking_id: 1, amount: 1 }],
  ])('rejects the body %j with 400', async (body) => {
    const response = await system.server.api('POST', '/payments', { token: user.token, body });
    expect(response).toMatchObject({ status: 400, body: { code: 'invalid_request' } });
    expect(response.body.errors.length).toBeGreaterThan(0);
  });
});
