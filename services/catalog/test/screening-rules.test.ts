import { describe, expect, test } from '@jest/globals';
import { Problem } from '@movie-ticketing/kit/problems';
import fc from 'fast-check';

import { isWithinRun } from '../src/movies/run.ts';
import { changesOf, newScreeningOf, type Context } from '../src/screenings/screening-rules.ts';
import type { Screening, ScreeningChange } from '../src/screenings/screenings.schema.ts';
import type { Theater } from '../src/theaters/theaters.schema.ts';

const now = new Date('2027-01-01T12:00:00Z');
const at = (hours: number): Date => new Date(now.getTime() + hours * 3_600_000);
const usd = (amount: number) => ({ amount, currency: 'USD' });

const movie: Context['movie'] = {
  id: 1,
  durationMinutes: 120,
  price: usd(1_000),
  startDate: '2026-12-31',
  endDate: '2027-01-02',
};

const theater: Theater = {
  id: 1,
  name: 'Rex',
  location: 'London',
  timeZone: 'Europe/London',
  totalSeats: 10,
  seatPlanId: null,
  preventOrphanSeats: true,
};

const smaller: Theater = { ...theater, id: 2, totalSeats: 3 };
const tokyo: Theater = { ...theater, id: 3, timeZone: 'Asia/Tokyo' };

const screening: Screening = {
  id: 1,
  movieId: 1,
  theaterId: 1,
  startsAt: at(5),
  endsAt: at(7),
  price: usd(1_000),
  totalSeats: 10,
  availableSeats: 10,
  status: 'scheduled',
  priceCardId: null,
  blockedSeats: 0,
  seatPlanId: null,
};

const codeOf = (work: () => unknown): unknown => {
  try {
    return work();
  } catch (error) {
    if (error instanceof Problem) return error.code;
    throw error;
  }
};

const change = (from: Partial<Screening>, to: ScreeningChange, place: Theater = theater): unknown =>
  codeOf(() => changesOf({ ...screening, ...from }, { movie, theater: place, now }, to));

const booked = { availableSeats: 6 };
const started = { startsAt: now };
const cancelled = { status: 'cancelled' } as const;

describe('a change of a screening', () => {
  test.each<[string, Partial<Screening>, ScreeningChange, unknown]>([
    ['moves it, with its end', {}, { starts_at: at(6) }, { startsAt: at(6), endsAt: at(8) }],
    ['can make it free of charge', {}, { price: usd(0) }, { price: usd(0) }],
    ['cancels it with live bookings', booked, cancelled, cancelled],
    ['adds seats', {}, { total_seats: 12 }, { totalSeats: 12, availableSeats: 12 }],
    [
      'adds seats to live bookings',
      booked,
      { total_seats: 12 },
      { totalSeats: 12, availableSeats: 8 },
    ],
    ['removes free seats', booked, { total_seats: 4 }, { totalSeats: 4, availableSeats: 0 }],
    [
      'has only what differs',
      {},
      { starts_at: at(5), price: usd(1), theater_id: 1, total_seats: 10 },
      { price: usd(1) },
    ],
    ['is empty where nothing differs', booked, { starts_at: at(5), price: usd(1_000) }, {}],
    ['is empty where it is cancelled again', cancelled, cancelled, {}],
    ['is empty where a started screening stays', started, { price: usd(1_000) }, {}],
  ])('%s', (_what, from, to, expected) => {
    expect(change(from, to)).toEqual(expected);
  });

  test.each<[string, Partial<Screening>, ScreeningChange]>([
    ['has_live_bookings', booked, { starts_at: at(6) }],
    ['has_live_bookings', booked, { price: usd(1) }],
    ['has_live_bookings', booked, { price: { amount: 1_000, currency: 'EUR' } }],
    ['has_live_bookings', booked, { ...cancelled, price: usd(1) }],
    ['has_live_bookings', booked, { total_seats: 3 }],
    ['screening_started', started, cancelled],
    ['screening_started', { ...started, ...booked }, { price: usd(1) }],
    ['screening_started', started, { total_seats: 11 }],
    ['screening_cancelled', cancelled, { status: 'scheduled' }],
    ['screening_cancelled', cancelled, { starts_at: at(6) }],
    ['invalid_request', {}, { starts_at: at(-1) }],
    ['invalid_request', {}, { starts_at: now }],
    ['outside_run', {}, { starts_at: at(36) }],
  ])('is refused with %s: %j, %j', (code, from, to) => {
    expect(change(from, to)).toBe(code);
  });

  test('to another theater takes that number of seats', () => {
    expect(change({}, { theater_id: 2 }, smaller)).toEqual({
      theaterId: 2,
      totalSeats: 3,
      availableSeats: 3,
    });
  });

  test('to another theater keeps live bookings that fit, and their time', () => {
    expect(change({ availableSeats: 7 }, { theater_id: 2 }, smaller)).toEqual({
      theaterId: 2,
      totalSeats: 3,
      availableSeats: 0,
    });
  });

  test('to another theater is refused where live bookings do not fit, unless seats are added', () => {
    expect(change(booked, { theater_id: 2 }, smaller)).toBe('has_live_bookings');
    expect(change(booked, { theater_id: 2, total_seats: 4 }, smaller)).toEqual({
      theaterId: 2,
      totalSeats: 4,
      availableSeats: 0,
    });
  });

  test('to another theater is refused where its calendar day lies outside of the run', () => {
    const evening = { startsAt: new Date('2027-01-02T16:00:00Z') };
    expect(change(evening, { theater_id: 2 }, smaller)).toMatchObject({ theaterId: 2 });
    expect(change(evening, { theater_id: 3 }, tokyo)).toBe('outside_run');
  });
});

const anyScreening = fc
  .record({
    start: fc.integer({ min: -3, max: 3 }),
    amount: fc.integer({ min: 0, max: 2 }),
    availableSeats: fc.integer({ min: 0, max: 10 }),
    status: fc.constantFrom('scheduled' as const, 'cancelled' as const),
  })
  .map(({ start, amount, ...rest }): Screening => ({
    ...screening,
    startsAt: at(start),
    price: usd(amount),
    ...rest,
  }));

const anyChange: fc.Arbitrary<ScreeningChange> = fc.record(
  {
    theater_id: fc.constantFrom(1, 2),
    starts_at: fc.integer({ min: -3, max: 3 }).map(at),
    price: fc.integer({ min: 0, max: 2 }).map(usd),
    total_seats: fc.integer({ min: 1, max: 12 }),
    status: fc.constantFrom('scheduled' as const, 'cancelled' as const),
  },
  { requiredKeys: [] },
);

test('any change keeps what was sold, what is over and the number of booked seats', () => {
  fc.assert(
    fc.property(anyScreening, anyChange, (current, to) => {
      const place = to.theater_id === 2 ? smaller : theater;
      const context = { movie, theater: place, now };
      const changes = codeOf(() => changesOf(current, context, to));
      if (typeof changes === 'string' || Object.keys(changes as object).length === 0) return;
      const after = { ...current, ...(changes as Partial<Screening>) };
      expect(current.status).toBe('scheduled');
      expect(current.startsAt.getTime()).toBeGreaterThan(now.getTime());
      expect(after.startsAt.getTime()).toBeGreaterThan(now.getTime());
      expect(after.availableSeats).toBeGreaterThanOrEqual(0);
      const bookedSeats = current.totalSeats - current.availableSeats;
      expect(after.totalSeats - after.availableSeats).toBe(bookedSeats);
      if (bookedSeats > 0) {
        expect([after.startsAt, after.price]).toEqual([current.startsAt, current.price]);
      }
      // The same change again changes nothing.
      expect(changesOf(after, context, to)).toEqual({});
    }),
    { numRuns: 2_000 },
  );
});

describe('a new screening', () => {
  const plan = (starts_at: Date, place = theater) =>
    codeOf(() =>
      newScreeningOf({ movie, theater: place, now }, { movie_id: 1, theater_id: 1, starts_at }, []),
    );

  test('takes its end and price from the movie and its seats from the theater', () => {
    expect(plan(at(1))).toEqual({
      movieId: 1,
      theaterId: 1,
      startsAt: at(1),
      endsAt: at(3),
      price: usd(1_000),
      totalSeats: 10,
      availableSeats: 10,
      status: 'scheduled',
      priceCardId: null,
      blockedSeats: 0,
      seatPlanId: null,
      seatMap: { taken: null, blocked: null },
    });
  });

  test('is refused at the present instant and in the past', () => {
    expect(plan(now)).toBe('invalid_request');
    expect(plan(at(-1))).toBe('invalid_request');
  });

  test.each([
    ['2027-01-02T23:59:59Z', theater, true],
    ['2027-01-03T00:00:00Z', theater, false],
    ['2027-01-02T14:59:59Z', tokyo, true],
    ['2027-01-02T15:00:00Z', tokyo, false],
  ])('at %s lies within the run by the day of the theater: %#', (startsAt, place, isLegal) => {
    const made = plan(new Date(startsAt), place);
    if (isLegal) expect(made).toMatchObject({ startsAt: new Date(startsAt) });
    else expect(made).toBe('outside_run');
  });
});

test('screenings between two that lie within a run lie within it too', () => {
  const instants = fc.date({
    min: new Date('2020-01-01T00:00:00Z'),
    max: new Date('2040-01-01T00:00:00Z'),
    noInvalidDate: true,
  });
  const zones = fc.constantFrom('Europe/London', 'Pacific/Apia', 'America/Santiago', 'Asia/Tokyo');
  fc.assert(
    fc.property(fc.array(instants, { minLength: 3, maxLength: 3 }), zones, (unsorted, zone) => {
      const [first, between, last] = unsorted.sort((a, b) => a.getTime() - b.getTime());
      if (first === undefined || between === undefined || last === undefined) return;
      const dayOf = (instant: Date) =>
        new Intl.DateTimeFormat('en-CA', { timeZone: zone }).format(instant);
      const run = { startDate: dayOf(first), endDate: dayOf(last) };
      expect(isWithinRun(run, between, zone)).toBe(true);
    }),
  );
});
