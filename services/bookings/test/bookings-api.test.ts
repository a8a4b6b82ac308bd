import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

import { insertScreening } from '@movie-ticketing/catalog/testing/builders';
import { startBookingsSystem, type BookingsSystem } from '../testing/system.ts';

describe('booking, paying and cancelling', () => {
  let system: BookingsSystem;
  beforeAll(async () => {
    system = await startBookingsSystem();
  });
  afterAll(() => system.stop());

  const seatsOf = async (id: number): Promise<number> => {
    const [row] = await system.db.query<{ available_seats: number }>(
      'SELECT available_seats FROM screenings WHERE id = $1',
      [id],
    );
    return row?.available_seats ?? Number.NaN;
  };

  test('a paid booking is confirmed and its seats are taken', async () => {
    const { api } = system.server;
    const screening = await insertScreening(system.db);
    const { id: userId, token } = await system.user();
    const before = await seatsOf(screening.id);

    const booked = await api('POST', '/bookings', {
      token,
      body: { screening_id: screening.id, num_tickets: 2 },
    });
    expect(booked.status).toBe(201);
    expect(booked.body.booking).toMatchObject({
      user_id: userId,
      screening_id: screening.id,
      num_tickets: 2,
      status: 'pending',
    });
    expect(await seatsOf(screening.id)).toBe(before - 2);

    const paid = await api('POST', '/payments', {
      token,
      body: { booking_id: booked.body.booking.id },
    });
    expect(paid.status).toBe(200);
    expect(paid.body.payment).toMatchObject({
      status: 'succeeded',
      amount: booked.body.booking.total,
    });

    const read = await api('GET', `/bookings/${String(booked.body.booking.id)}`, { token });
    expect(read.body.booking.status).toBe('confirmed');
  });

  test('cancelling a paid booking releases its seats at once and refunds its payment', async () => {
    const { api } = system.server;
    const screening = await insertScreening(system.db);
    const { token } = await system.user();
    const before = await seatsOf(screening.id);
    const booked = await api('POST', '/bookings', {
      token,
      body: { screening_id: screening.id, num_tickets: 3 },
    });
    const paid = await api('POST', '/payments', {
      token,
      body: { booking_id: booked.body.booking.id },
    });
    const cancelled = await api('POST', `/bookings/${String(booked.body.booking.id)}/cancel`, {
      token,
    });
    expect(cancelled.status).toBe(200);
    expect(cancelled.body.booking.status).toBe('cancelled');
    expect(await seatsOf(screening.id)).toBe(before);
    for (;;) {
      const payment = await api('GET', `/payments/${String(paid.body.payment.id)}`, { token });
      expect(['refund_pending', 'refunded']).toContain(payment.body.payment.status);
      if (payment.body.payment.status === 'refunded') break;
    }
    const read = await api('GET', `/bookings/${String(booked.body.booking.id)}`, { token });
    expect(read.body.booking.status).toBe('refunded');
  });
});
