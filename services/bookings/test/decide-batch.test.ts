import { describe, expect, test } from '@jest/globals';
import { hashRequest } from '@movie-ticketing/kit/idempotency';
import fc from 'fast-check';

import { makeReference, type ReferencedOrder } from '../src/batch/booking-order.ts';
import {
  decideBatch,
  keyId,
  type BatchView,
  type Decision,
  type LockedScreening,
} from '../src/batch/decide-batch.ts';

const now = new Date('2027-01-31T19:30:00.000Z');
const holdMs = 900_000;

const screening = (over: Partial<LockedScreening>): LockedScreening => ({
  id: 1,
  availableSeats: 10,
  status: 'scheduled',
  started: false,
  now,
  priceMinor: 1_500,
  currency: 'USD',
  ...over,
});

type Wish = {
  userId: number;
  requestedBy?: number;
  screeningId: number;
  numTickets: number;
  key?: string | undefined;
};

const toOrder = ({ key, ...wish }: Wish): ReferencedOrder => ({
  ...wish,
  requestedBy: wish.requestedBy ?? wish.userId,
  reference: makeReference(),
  isGone: () => false,
  idempotency:
    key === undefined
      ? undefined
      : {
          userId: wish.requestedBy ?? wish.userId,
          scope: 'POST /bookings',
          key,
          requestHash: hashRequest([wish.screeningId, wish.numTickets]),
        },
});

const viewOf = (
  orders: readonly ReferencedOrder[],
  screenings: readonly LockedScreening[],
  over: Partial<BatchView> = {},
): BatchView => ({
  screenings: new Map(screenings.map((it) => [it.id, it])),
  standing: new Set(orders.flatMap(({ userId, requestedBy }) => [userId, requestedBy])),
  keys: new Map(),
  ids: orders.map((_, index) => 100 + index),
  ...over,
});

const nameOf = (decision: Decision): string => {
  if (decision.kind === 'refuse') return decision.problem.code;
  return decision.kind === 'book' ? 'book' : 'replay';
};

const decide = (wishes: Wish[], screenings: LockedScreening[], over: Partial<BatchView> = {}) => {
  const orders = wishes.map(toOrder);
  return decideBatch(orders, viewOf(orders, screenings, over), holdMs);
};

describe('deciding a batch', () => {
  test('when a larger order does not fit, then a smaller one behind it may', () => {
    const wishes = [4, 7, 6, 1].map((numTickets) => ({ userId: 1, screeningId: 1, numTickets }));
    expect(decide(wishes, [screening({})]).map(nameOf)).toEqual([
      'book',
      'not_enough_seats',
      'book',
      'not_enough_seats',
    ]);
  });

  test('when seats are booked, then the booking has its order’s reference, price, owner and hold', () => {
    const orders = [
      toOrder({ userId: 7, requestedBy: 8, screeningId: 1, numTickets: 3 }),
    ] as const satisfies readonly ReferencedOrder[];
    const [decision] = decideBatch(orders, viewOf(orders, [screening({})]), holdMs);
    expect(decision).toMatchObject({
      kind: 'book',
      booking: {
        id: 100,
        reference: orders[0].reference,
        userId: 7,
        totalMinor: 4_500,
        currency: 'USD',
        createdAt: now,
        expiresAt: new Date('2027-01-31T19:45:00.000Z'),
      },
    });
  });

  test.each<[string, Partial<Wish>, Partial<BatchView>, Partial<LockedScreening>, string]>([
    ['the current user is deleted', {}, { standing: new Set() }, {}, 'unauthenticated'],
    ['staff book for nobody', { requestedBy: 2 }, { standing: new Set([2]) }, {}, 'not_found'],
    ['there is no such screening', { screeningId: 9 }, {}, {}, 'not_found'],
    ['the screening is cancelled', {}, {}, { status: 'cancelled' }, 'screening_cancelled'],
    ['the screening has started', {}, {}, { started: true }, 'screening_started'],
    ['no seat is left', {}, {}, { availableSeats: 0 }, 'not_enough_seats'],
    ['exactly enough seats are left', {}, {}, { availableSeats: 2 }, 'book'],
  ])('when %s, then the answer says it', (_why, wish, view, over, expected) => {
    const wishes = [{ userId: 1, screeningId: 1, numTickets: 2, ...wish }];
    expect(decide(wishes, [screening(over)], view).map(nameOf)).toEqual([expected]);
  });

  test('when a key is stored without an answer, then the repeat is told to come again', () => {
    const wish = { userId: 1, screeningId: 1, numTickets: 1, key: 'k' };
    const { idempotency } = toOrder(wish);
    const keys = new Map([
      [keyId(idempotency!), { requestHash: idempotency!.requestHash, status: null, body: null }],
    ]);
    expect(decide([wish], [screening({})], { keys }).map(nameOf)).toEqual([
      'idempotency_key_in_flight',
    ]);
  });
});

const wishes = fc.array(
  fc.record({
    userId: fc.integer({ min: 1, max: 3 }),
    screeningId: fc.integer({ min: 1, max: 4 }),
    numTickets: fc.integer({ min: 1, max: 5 }),
    key: fc.option(fc.constantFrom('a', 'b', 'c'), { nil: undefined }),
  }),
  { maxLength: 60 },
);
const halls = fc
  .array(fc.integer({ min: 0, max: 25 }), { minLength: 3, maxLength: 3 })
  .map((seats) => seats.map((availableSeats, at) => screening({ id: at + 1, availableSeats })));

describe('any batch', () => {
  test('when it is decided, then no screening is oversold and a refused order really did not fit', () => {
    fc.assert(
      fc.property(wishes, halls, (all, screenings) => {
        const decisions = decide(all, screenings);
        const left = new Map(screenings.map((it) => [it.id, it.availableSeats]));
        decisions.forEach((decision, index) => {
          const wish = all[index]!;
          const seats = left.get(wish.screeningId) ?? 0;
          if (decision.kind === 'book') {
            left.set(wish.screeningId, seats - wish.numTickets);
            expect(seats).toBeGreaterThanOrEqual(wish.numTickets);
          } else if (nameOf(decision) === 'not_enough_seats') {
            expect(seats).toBeLessThan(wish.numTickets);
          }
        });
      }),
      { numRuns: 500 },
    );
  });

  test('when keys repeat in it, then each is booked once at most, and its twins get the very same answer', () => {
    fc.assert(
      fc.property(wishes, halls, (all, screenings) => {
        const decisions = decide(all, screenings);
        const first = new Map<string, { json: string; body: string }>();
        decisions.forEach((decision, index) => {
          const wish = all[index]!;
          if (wish.key === undefined) {
            expect(decision.kind).not.toBe('answer');
            return;
          }
          const id = `${String(wish.userId)} ${wish.key}`;
          const body = `${String(wish.screeningId)} ${String(wish.numTickets)}`;
          const known = first.get(id);
          if (decision.kind === 'book') {
            expect(known).toBeUndefined();
            first.set(id, { json: decision.json, body });
          } else if (decision.kind === 'answer') {
            expect(decision.answer.json).toBe(known?.json);
            expect(body).toBe(known?.body);
          } else if (known !== undefined) {
            expect(nameOf(decision)).toBe('idempotency_key_reused');
            expect(body).not.toBe(known.body);
          }
        });
      }),
      { numRuns: 500 },
    );
  });

  test('when it is split anywhere and run as two, then everyone is told the same', () => {
    fc.assert(
      fc.property(wishes, halls, fc.nat(60), (all, screenings, at) => {
        const whole = decide(all, screenings).map(nameOf);
        const head = all.slice(0, at).map(toOrder);
        const tail = all.slice(at).map(toOrder);
        const first = decideBatch(head, viewOf(head, screenings), holdMs);
        // What the first half left behind: seats and keys.
        const seats = new Map(screenings.map((it) => [it.id, it.availableSeats]));
        const keys = new Map<string, { requestHash: Buffer; status: number; body: string }>();
        first.forEach((decision, index) => {
          if (decision.kind !== 'book') return;
          const { screeningId, numTickets } = decision.booking;
          seats.set(screeningId, seats.get(screeningId)! - numTickets);
          const request = head[index]!.idempotency;
          if (request !== undefined) {
            keys.set(keyId(request), {
              requestHash: request.requestHash,
              status: 201,
              body: decision.json,
            });
          }
        });
        const after = screenings.map((it) => ({ ...it, availableSeats: seats.get(it.id)! }));
        const second = decideBatch(tail, viewOf(tail, after, { keys }), holdMs);
        expect([...first, ...second].map(nameOf)).toEqual(whole);
      }),
      { numRuns: 300 },
    );
  });

  test('control: when each order is judged by the seats at the start, then the property finds an oversold hall', () => {
    const judgedAlone = fc.property(wishes, halls, (all, screenings) => {
      const left = new Map(screenings.map((it) => [it.id, it.availableSeats]));
      for (const wish of all) {
        const [decision] = decide([wish], screenings);
        if (decision?.kind !== 'book') continue;
        left.set(wish.screeningId, left.get(wish.screeningId)! - wish.numTickets);
      }
      return [...left.values()].every((seats) => seats >= 0);
    });
    expect(fc.check(judgedAlone, { numRuns: 500 }).failed).toBe(true);
  });
});

describe('a booking’s reference', () => {
  test('when many are made, then each is 12 letters that cannot be misread, and none repeats', () => {
    const made = Array.from({ length: 20_000 }, makeReference);
    for (const reference of made) expect(reference).toMatch(/^[0-9A-HJKMNP-TV-Z]{12}$/);
    expect(new Set(made).size).toBe(made.length);
    // Every place takes every letter: no bits are lost.
    for (let place = 0; place < 12; place += 1) {
      expect(new Set(made.map((reference) => reference[place])).size).toBe(32);
    }
  });
});
