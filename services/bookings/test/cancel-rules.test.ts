import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

import { insertScreening } from '@movie-ticketing/catalog/testing/builders';
import { insertBooking, insertPayment } from '../testing/booking-rows.ts';
import { as, hold } from '../testing/clients.ts';
import { startBookingsSystem, type BookingsSystem, type TestUser } from '../testing/system.ts';

describe('cancelling a booking', () => {
  let system: BookingsSystem;
  let user: TestUser;
  beforeAll(async () => {
    system = await startBookingsSystem();
    [user] = (await system.users(1)) as [TestUser];
  });
  afterAll(() => system.stop());

  const cancel = (id: number, key?: string) => as(system.server.api, user).cancel(id, key);

  test('is refused with 409 screening_started once the screening has started', async () => {
    const began = await insertScreening(system.db, {
      starts_at: new Date(Date.now() - 1_000),
      total_seats: 10,
      available_seats: 9,
    });
    const { id } = await insertBooking(system.db, {
      user_id: user.id,
      screening_id: began.id,
      status: 'confirmed',
    });
    expect(await cancel(id)).toMatchObject({ status: 409, body: { code: 'screening_started' } });
    expect((await as(system.server.api, user).booking(id)).body.booking.status).toBe('confirmed');
    expect(await system.seatsOf(began.id)).toBe(9);
  });

  test('by an admin with after_start succeeds after the start; customers and staff get 403', async () => {
    const started = await insertScreening(system.db, {
      starts_at: new Date(Date.now() - 1_000),
      total_seats: 10,
      available_seats: 9,
    });
    const { id } = await insertBooking(system.db, {
      user_id: user.id,
      screening_id: started.id,
      status: 'confirmed',
    });
    const send = ({ token }: TestUser) =>
      system.server.api('POST', `/bookings/${String(id)}/cancel`, {
        token,
        body: { after_start: true },
      });
    const [staff, admin] = [await system.user('staff'), await system.user('admin')];
    for (const refused of [user, staff]) {
      expect(await send(refused)).toMatchObject({ status: 403, body: { code: 'forbidden' } });
    }
    expect((await cancel(id)).status).toBe(409);
    expect(await send(admin)).toMatchObject({ status: 200, body: { booking: { id } } });
    expect(await system.seatsOf(started.id)).toBe(10);
  });

  test('is refused with 409 payment_processing until the payment is settled', async () => {
    const screening = await insertScreening(system.db);
    const { id } = await hold(system, user, screening.id);
    const payment = await insertPayment(system.db, { booking_id: id });
    await system.db.query(
      `UPDATE payments SET next_check_at = clock_timestamp() + interval '1 hour' WHERE id = $1`,
      [payment.id],
    );
    expect(await cancel(id)).toMatchObject({ status: 409, body: { code: 'payment_processing' } });
    await system.db.query(`UPDATE payments SET status = 'declined' WHERE id = $1`, [payment.id]);
    expect((await cancel(id)).status).toBe(200);
    expect(await system.seatsOf(screening.id)).toBe(100);
  });

  test.each([
    ['expired', 'booking_expired'],
    ['cancelled', 'booking_cancelled'],
    ['refunded', 'booking_cancelled'],
  ])('that is %s is refused with 409 %s and releases no seat', async (status, code) => {
    const screening = await insertScreening(system.db);
    const { id } = await insertBooking(system.db, {
      user_id: user.id,
      screening_id: screening.id,
      status,
    });
    expect(await cancel(id)).toMatchObject({ status: 409, body: { code } });
    expect(await system.seatsOf(screening.id)).toBe(100);
  });

  test('rejects unknown fields with 400 and accepts an empty body', async () => {
    const screening = await insertScreening(system.db);
    const { id } = await hold(system, user, screening.id);
    const path = `/bookings/${String(id)}/cancel`;
    const { token } = user;
    const { api } = system.server;
    expect((await api('POST', path, { token, body: { reason: 'rain' } })).status).toBe(400);
    expect((await api('POST', path, { token, body: {} })).status).toBe(200);
  });

  test('repeated with its key returns the first response, although the booking is refunded since', async () => {
    const screening = await insertScreening(system.db);
    const { id } = await hold(system, user, screening.id);
    const first = await cancel(id, 'once');
    await system.db.query(`UPDATE bookings SET status = 'refunded' WHERE id = $1`, [id]);
    const again = await cancel(id, 'once');
    expect(again).toMatchObject({ status: 200, body: first.body });
    expect(again.headers.get('idempotent-replayed')).toBe('true');
    // The path belongs to the key's scope: the same key cancels another booking.
    const other = await hold(system, user, screening.id);
    expect((await cancel(other.id, 'once')).headers.has('idempotent-replayed')).toBe(false);
  });

  test('without a payment leaves it cancelled', async () => {
    const screening = await insertScreening(system.db);
    const { id } = await hold(system, user, screening.id);
    expect((await cancel(id)).body.booking).toMatchObject({ id, status: 'cancelled' });
    expect(await system.seatsOf(screening.id)).toBe(100);
  });
});
