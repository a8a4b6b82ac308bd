import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

import { insertScreening } from '@movie-ticketing/catalog/testing/builders';
import { silentLogger } from '@movie-ticketing/kit/testing/api';

import { makePaymentsService } from '../src/payments/payments.service.ts';
import type { PaymentProvider } from '../src/payments/payment-provider.ts';
import { insertBooking } from '../testing/booking-rows.ts';
import { serviceDatabase } from '../testing/booking-requests.ts';
import { startBookingsSystem, type BookingsSystem, type TestUser } from '../testing/system.ts';

describe('paying for a booking whose screening has started or is cancelled', () => {
  let system: BookingsSystem;
  let db: ReturnType<typeof serviceDatabase>;
  let user: TestUser;
  let charges: string[];
  beforeAll(async () => {
    // No process runs: its workers would cancel the booking first.
    system = await startBookingsSystem({ processes: 0 });
    db = serviceDatabase(system.databaseUrl);
    user = await system.user();
  });
  afterAll(async () => {
    await db.close();
    await system.stop();
  });

  const pay = async (screening: Record<string, unknown>) => {
    charges = [];
    const provider = {
      charge: ({ key }: { key: string }) => {
        charges.push(key);
        return Promise.resolve('approved');
      },
    } as unknown as PaymentProvider;
    const payments = makePaymentsService(db, provider, {
      timeoutMs: 1_000,
      logger: silentLogger,
      observe: () => undefined,
    });
    const { id } = await insertScreening(system.db, {
      total_seats: 10,
      available_seats: 9,
      ...screening,
    });
    const booking = await insertBooking(system.db, { user_id: user.id, screening_id: id });
    return payments.pay(
      { userId: user.id, role: 'customer' },
      { bookingId: booking.id, token: undefined, idempotency: undefined },
    );
  };

  test.each([
    ['screening_started', { starts_at: new Date(Date.now() - 1_000) }],
    ['screening_cancelled', { status: 'cancelled' }],
  ])('is refused with %s and charges nothing', async (code, state) => {
    await expect(pay(state)).rejects.toMatchObject({ code });
    expect(charges).toEqual([]);
    expect(await system.db.query('SELECT FROM payments')).toEqual([]);
  });

  test('charges once before the screening starts', async () => {
    const { result } = await pay({});
    expect(result.outcome).toBe('succeeded');
    expect(charges).toHaveLength(1);
  });
});
