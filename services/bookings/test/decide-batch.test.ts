import { describe, expect, test } from '@jest/globals';
import { hashRequest } from '@movie-ticketing/kit/idempotency';
import fc from 'fast-check';

import { makeReference, type BookingRequest } from '../src/batch/booking-request.ts';
import {
  decideBatch,
  keyId,
  type BatchView,
  type StoredBooking,
} from '../src/batch/decide-batch.ts';
import type { Booking } from '../src/bookings/bookings.schema.ts';
import type { LockedScreening } from '../src/seats/seats.repository.ts';
import { resultName } from '../testing/booking-requests.ts';

const now = new Date('2027-01-31T19:30:00.000Z');
const holdMs = 900_000;

const screening = (over: Partial<LockedScreening>): LockedScreening => ({
  id: 1,
  availableSeats: 10,
  status: 'scheduled',
  hasStarted: false,
  now,
  priceMinor: 1_500,
  currency: 'USD',
  movieId: 1,
  seatPlanId: null,
  occupied: null,
  preventOrphans: false,
  priceCardId: null,
  priceCard: undefined,
  ...over,
});

type WantedBooking = {
  userId: number;
  requestedBy?: number;
  screeningId: number;
  numTickets: number;
  byStaff?: boolean;
  key?: string | undefined;
};

const toRequest = ({ key, ...one }: WantedBooking): BookingRequest => ({
  ...one,
  byStaff: one.byStaff ?? false,
  requestedBy: one.requestedBy ?? one.userId,
  reference: makeReference(),
  idempotency:
    key === undefined
      ? undefined
      : {
          userId: one.requestedBy ?? one.userId,
          scope: 'POST /bookings',
          key,
          requestHash: hashRequest([one.screeningId, one.numTickets]),
        },
});

const viewOf = (
  requests: readonly BookingRequest[],
  screenings: readonly LockedScreening[],
  over: Partial<BatchView> = {},
): BatchView => ({
  screenings: new Map(screenings.map((it) => [it.id, it])),
  activeUserIds: new Set(requests.flatMap(({ userId, requestedBy }) => [userId, requestedBy])),
  keys: new Map(),
  usage: new Map(),
  promoCodes: new Map(),
  layouts: new Map(),
  ticketTypes: new Map(),
  ids: requests.map((_, index) => 100 + index),
  ...over,
});

const decide = (
  wanted: WantedBooking[],
  screenings: LockedScreening[],
  over: Partial<BatchView> = {},
) => {
  const requests = wanted.map(toRequest);
  return decideBatch(requests, viewOf(requests, screenings, over), { holdMs });
};

describe('deciding a batch', () => {
  test('a smaller request may fit after a larger one was refused', () => {
    const wanted = [4, 7, 6, 1].map((numTickets) => ({ userId: 1, screeningId: 1, numTickets }));
    expect(decide(wanted, [screening({})]).map(resultName)).toEqual([
      'booked',
      'not_enough_seats',
      'booked',
      'not_enough_seats',
    ]);
  });

  test('a booking has the reference and owner of its request, and a price and a hold', () => {
    const requests = [
      toRequest({ userId: 7, requestedBy: 8, screeningId: 1, numTickets: 3 }),
    ] as const satisfies readonly BookingRequest[];
    const [decision] = decideBatch(requests, viewOf(requests, [screening({})]), { holdMs });
    expect(decision).toMatchObject({
      kind: 'booked',
      booking: {
        id: 100,
        reference: requests[0].reference,
        userId: 7,
        totalMinor: 4_500,
        currency: 'USD',
        createdAt: now,
        expiresAt: new Date('2027-01-31T19:45:00.000Z'),
      },
    });
  });

  test.each<[string, Partial<WantedBooking>, Partial<BatchView>, Partial<LockedScreening>, string]>(
    [
      ['the current user is deleted', {}, { activeUserIds: new Set() }, {}, 'unauthenticated'],
      [
        'staff book for an unknown user',
        { requestedBy: 2 },
        { activeUserIds: new Set([2]) },
        {},
        'not_found',
      ],
      ['the screening does not exist', { screeningId: 9 }, {}, {}, 'not_found'],
      ['the screening is cancelled', {}, {}, { status: 'cancelled' }, 'screening_cancelled'],
      ['the screening has started', {}, {}, { hasStarted: true }, 'screening_started'],
      ['no seat is left', {}, {}, { availableSeats: 0 }, 'not_enough_seats'],
      ['exactly enough seats are left', {}, {}, { availableSeats: 2 }, 'booked'],
    ],
  )('decides correctly if %s', (_why, one, view, over, expected) => {
    const wanted = [{ userId: 1, screeningId: 1, numTickets: 2, ...one }];
    expect(decide(wanted, [screening(over)], view).map(resultName)).toEqual([expected]);
  });
});

const wanted = fc.array(
  fc.record({
    userId: fc.integer({ min: 1, max: 3 }),
    screeningId: fc.integer({ min: 1, max: 4 }),
    numTickets: fc.integer({ min: 1, max: 5 }),
    key: fc.option(fc.constantFrom('a', 'b', 'c'), { nil: undefined }),
  }),
  { maxLength: 60 },
);
const screeningLists = fc
  .array(fc.integer({ min: 0, max: 25 }), { minLength: 3, maxLength: 3 })
  .map((seats) => seats.map((availableSeats, at) => screening({ id: at + 1, availableSeats })));

describe('any batch', () => {
  test('oversells no screening and refuses only requests that do not fit', () => {
    fc.assert(
      fc.property(wanted, screeningLists, (all, screenings) => {
        const decisions = decide(all, screenings);
        const left = new Map(screenings.map((it) => [it.id, it.availableSeats]));
        decisions.forEach((decision, index) => {
          const one = all[index]!;
          const seats = left.get(one.screeningId) ?? 0;
          if (decision.kind === 'booked') {
            left.set(one.screeningId, seats - one.numTickets);
            expect(seats).toBeGreaterThanOrEqual(one.numTickets);
          } else if (resultName(decision) === 'not_enough_seats') {
            expect(seats).toBeLessThan(one.numTickets);
          }
        });
      }),
      { numRuns: 500 },
    );
  });

  test('books each key at most once and replays the same booking', () => {
    fc.assert(
      fc.property(wanted, screeningLists, (all, screenings) => {
        const decisions = decide(all, screenings);
        const first = new Map<string, { booking: Booking; body: string }>();
        decisions.forEach((decision, index) => {
          const one = all[index]!;
          if (one.key === undefined) {
            expect(decision.kind).not.toBe('replayed');
            return;
          }
          const id = `${String(one.userId)} ${one.key}`;
          const body = `${String(one.screeningId)} ${String(one.numTickets)}`;
          const known = first.get(id);
          if (decision.kind === 'booked') {
            expect(known).toBeUndefined();
            first.set(id, { booking: decision.booking, body });
          } else if (decision.kind === 'replayed') {
            expect(decision.booking).toBe(known?.booking);
            expect(body).toBe(known?.body);
          } else if (known !== undefined) {
            expect(resultName(decision)).toBe('idempotency_key_reused');
            expect(body).not.toBe(known.body);
          }
        });
      }),
      { numRuns: 500 },
    );
  });

  test('gives the same results when it is split in two', () => {
    fc.assert(
      fc.property(wanted, screeningLists, fc.nat(60), (all, screenings, at) => {
        const whole = decide(all, screenings).map(resultName);
        const head = all.slice(0, at).map(toRequest);
        const tail = all.slice(at).map(toRequest);
        const first = decideBatch(head, viewOf(head, screenings), { holdMs });
        // The seats and keys after the first half.
        const seats = new Map(screenings.map((it) => [it.id, it.availableSeats]));
        const keys = new Map<string, StoredBooking>();
        first.forEach((decision, index) => {
          if (decision.kind !== 'booked') return;
          const { screeningId, numTickets } = decision.booking;
          seats.set(screeningId, seats.get(screeningId)! - numTickets);
          const request = head[index]!.idempotency;
          if (request !== undefined) {
            const { requestHash } = request;
            keys.set(keyId(request), { requestHash, booking: decision.booking });
          }
        });
        const after = screenings.map((it) => ({ ...it, availableSeats: seats.get(it.id)! }));
        const second = decideBatch(tail, viewOf(tail, after, { keys }), { holdMs });
        expect([...first, ...second].map(resultName)).toEqual(whole);
      }),
      { numRuns: 300 },
    );
  });

  test('control: deciding each request by the seats at the start oversells a screening', () => {
    const judgedAlone = fc.property(wanted, screeningLists, (all, screenings) => {
      const left = new Map(screenings.map((it) => [it.id, it.availableSeats]));
      for (const one of all) {
        const [decision] = decide([one], screenings);
        if (decision?.kind !== 'booked') continue;
        left.set(one.screeningId, left.get(one.screeningId)! - one.numTickets);
      }
      return [...left.values()].every((seats) => seats >= 0);
    });
    expect(fc.check(judgedAlone, { numRuns: 500 }).failed).toBe(true);
  });
});

describe('the reference of a booking', () => {
  test('has 12 characters that are hard to misread and is unique', () => {
    const made = Array.from({ length: 20_000 }, makeReference);
    for (const reference of made) expect(reference).toMatch(/^[0-9A-HJKMNP-TV-Z]{12}$/);
    expect(new Set(made).size).toBe(made.length);
    // Every position takes every character: no bits are lost.
    for (let place = 0; place < 12; place += 1) {
      expect(new Set(made.map((reference) => reference[place])).size).toBe(32);
    }
  });
});
