import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { ApiAnswer } from '@movie-ticketing/kit/testing/api';

import { insertScreening } from '@movie-ticketing/catalog/testing/builders';
import { until } from '@movie-ticketing/kit/testing/until';
import { as } from '../testing/clients.ts';
import { startBookingsSystem, type BookingsSystem, type TestUser } from '../testing/system.ts';

describe('a replay of a request with a key', () => {
  let system: BookingsSystem;
  let user: TestUser;
  let screeningId: number;
  beforeAll(async () => {
    system = await startBookingsSystem();
    [user] = (await system.users(1)) as [TestUser];
    screeningId = (await insertScreening(system.db)).id;
  });
  afterAll(() => system.stop());

  const client = () => as(system.server.api, user);

  /** The status, the body and the headers that the contract promises for a replay. */
  const expectReplay = (first: ApiAnswer, again: ApiAnswer): void => {
    expect(first.headers.get('idempotent-replayed')).toBeNull();
    expect(again.headers.get('idempotent-replayed')).toBe('true');
    expect(again.status).toBe(first.status);
    expect(again.body).toEqual(first.body);
    for (const name of ['location', 'content-type', 'cache-control']) {
      expect([name, again.headers.get(name)]).toEqual([name, first.headers.get(name)]);
    }
  };

  const refunded = (id: number) =>
    until(async () => (await client().booking(id)).body.booking.status === 'refunded');

  test('a booking replays as pending with its Location, whatever became of it', async () => {
    const first = await client().book(screeningId, 2, 'book');
    const { id } = first.body.booking;
    expect(first.headers.get('location')).toBe(`/bookings/${String(id)}`);
    expectReplay(first, await client().book(screeningId, 2, 'book'));
    await client().pay(id);
    expectReplay(first, await client().book(screeningId, 2, 'book'));
    await client().cancel(id);
    await refunded(id);
    expectReplay(first, await client().book(screeningId, 2, 'book'));
  });

  test('a payment and a cancellation replay as they were before the refund', async () => {
    const { id } = (await client().book(screeningId)).body.booking;
    const paid = await client().pay(id, undefined, 'pay');
    const cancelled = await client().cancel(id, 'cancel');
    await refunded(id);
    expect(paid.body.payment.status).toBe('succeeded');
    expectReplay(paid, await client().pay(id, undefined, 'pay'));
    expect(cancelled.body.booking.status).toBe('cancelled');
    expectReplay(cancelled, await client().cancel(id, 'cancel'));
  });

  test('a declined payment replays the same problem', async () => {
    const { id } = (await client().book(screeningId)).body.booking;
    const declined = await client().pay(id, 'tok_declined', 'declined');
    expect(declined).toMatchObject({ status: 402, body: { code: 'payment_declined' } });
    expectReplay(declined, await client().pay(id, 'tok_declined', 'declined'));
  });
});
