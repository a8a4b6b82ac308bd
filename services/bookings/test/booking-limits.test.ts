import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import { insertScreening } from '@movie-ticketing/catalog/testing/builders';

import { makeLimitCheck, usageId } from '../src/batch/booking-limits.ts';
import { bookingRequest } from '../testing/booking-requests.ts';
import { insertBooking } from '../testing/booking-rows.ts';
import { as, countResponses } from '../testing/clients.ts';
import { expectPromisesKept } from '../testing/promises.ts';
import { startBookingsSystem, type BookingsSystem } from '../testing/system.ts';

const limits = { ticketsPerScreening: 12, expiredHoldsPerHour: 2 };

test('no sequence of requests gives a user more tickets of a screening than the limit', () => {
  const requests = fc.array(
    fc.record({
      userId: fc.integer({ min: 1, max: 2 }),
      screeningId: fc.integer({ min: 1, max: 2 }),
      numTickets: fc.integer({ min: 1, max: 10 }),
    }),
  );
  fc.assert(
    fc.property(requests, fc.nat({ max: 14 }), (wanted, before) => {
      const first = usageId({ userId: 1, screeningId: 1 });
      const check = makeLimitCheck(
        limits,
        new Map([[first, { tickets: before, expiredHolds: 0 }]]),
      );
      const taken = new Map([[first, before]]);
      for (const one of wanted) {
        const request = bookingRequest(one);
        const tickets = (taken.get(usageId(one)) ?? 0) + one.numTickets;
        const isAllowed = tickets <= limits.ticketsPerScreening;
        expect(check.findRefusal(request) === undefined).toBe(isAllowed);
        if (!isAllowed) continue;
        check.add(request);
        taken.set(usageId(one), tickets);
      }
    }),
  );
});

describe('the booking limits', () => {
  let system: BookingsSystem;
  beforeAll(async () => {
    system = await startBookingsSystem({
      processes: 2,
      env: { RATE_LIMITS: 'on', MAX_TICKETS_PER_SCREENING: '12', MAX_EXPIRED_HOLDS_PER_HOUR: '2' },
    });
  });
  afterAll(() => system.stop());

  const bookAtOnce = async (servers: BookingsSystem['servers'], numTickets: number) => {
    const { id } = await insertScreening(system.db, { total_seats: 1_000 });
    const user = await system.user();
    const responses = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        as(servers[index % servers.length]!.api, user).book(id, numTickets),
      ),
    );
    return { user, screeningId: id, counts: countResponses(responses) };
  };

  test('hold for 20 requests at the same time at two processes; a cancelled booking does not count', async () => {
    const { user, screeningId, counts } = await bookAtOnce(system.servers, 5);
    expect(counts).toEqual({ '201': 2, '409 ticket_limit_reached': 18 });
    expect(await system.seatsOf(screeningId)).toBe(990);
    const customer = as(system.server.api, user);
    const refused = await customer.book(screeningId, 5);
    expect(refused.body.detail).toBe(
      'A user may have at most 12 tickets of a screening and has 10.',
    );
    const [held] = (await system.server.api('GET', '/bookings', { token: user.token })).body
      .bookings;
    await customer.cancel(held.id);
    expect((await customer.book(screeningId, 5)).status).toBe(201);
    await expectPromisesKept(system.db);
  });

  test('do not apply with RATE_LIMITS=off (control): one user takes every seat', async () => {
    const unlimited = await system.startProcess({}, { RATE_LIMITS: 'off' });
    const { counts } = await bookAtOnce([unlimited], 5);
    expect(counts).toEqual({ '201': 20 });
  });

  test('refuse a user whose holds expired unpaid with 429 and Retry-After; other users may book', async () => {
    const { id: screening_id } = await insertScreening(system.db);
    const [user, other] = [await system.user(), await system.user()];
    for (const expiresInMs of [-1_000, -2_000]) {
      await insertBooking(system.db, {
        user_id: user.id,
        screening_id,
        status: 'expired',
        expiresInMs,
      });
    }
    const refused = await as(system.server.api, user).book(screening_id);
    expect(refused).toMatchObject({ status: 429, body: { code: 'hold_limit_reached' } });
    expect(refused.headers.get('retry-after')).toBe('600');
    expect((await as(system.server.api, other).book(screening_id)).status).toBe(201);
  });

  test('count holds that expired within the last hour only', async () => {
    const { id: screening_id } = await insertScreening(system.db);
    const user = await system.user();
    for (const expiresInMs of [-1_000, -3_700_000, -3_800_000]) {
      await insertBooking(system.db, {
        user_id: user.id,
        screening_id,
        status: 'expired',
        expiresInMs,
      });
    }
    expect((await as(system.server.api, user).book(screening_id)).status).toBe(201);
  });

  test.each(['staff', 'admin'] as const)('do not apply to %s', async (role) => {
    const { id } = await insertScreening(system.db);
    const user = await system.user(role);
    for (const tickets of [10, 10]) {
      expect((await as(system.server.api, user).book(id, tickets)).status).toBe(201);
    }
  });
});
