import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import { decideScreeningChange, type Decision } from '../src/screenings/screening-change.ts';
import type { Screening, ScreeningChange } from '../src/screenings/screenings.schema.ts';

const now = new Date('2027-01-01T12:00:00Z');
const at = (hours: number): Date => new Date(now.getTime() + hours * 3_600_000);
const usd = (amount: number) => ({ amount, currency: 'USD' });

const screening = (over: Partial<Screening> = {}): Screening => ({
  id: 1,
  movie_id: 1,
  theater_id: 1,
  starts_at: at(5).toISOString(),
  ends_at: at(7).toISOString(),
  price: usd(1_000),
  total_seats: 10,
  available_seats: 10,
  status: 'scheduled',
  ...over,
});

const outcome = (decision: Decision): unknown => {
  if (decision.do === 'refuse') return decision.because.code;
  return decision.do === 'nothing' ? 'nothing' : decision.to;
};

const booked = { available_seats: 9 };
const begun = { starts_at: now.toISOString() };
const cancelled = { status: 'cancelled' } as const;

describe('when a change is asked for, then the decision is', () => {
  test.each<[string, Partial<Screening>, ScreeningChange, unknown]>([
    ['move', {}, { starts_at: at(6) }, { starts_at: at(6) }],
    ['the real part alone', {}, { starts_at: at(6), price: usd(1_000) }, { starts_at: at(6) }],
    ['reprice to nothing', {}, { price: usd(0) }, { price: usd(0) }],
    ['cancel', booked, { status: 'cancelled' }, { status: 'cancelled' }],
    ['nothing: the same', booked, { starts_at: at(5), price: usd(1_000) }, 'nothing'],
    ['nothing: cancelled already', cancelled, { status: 'cancelled' }, 'nothing'],
    [
      'nothing: cancelled and begun',
      { ...cancelled, ...begun },
      { status: 'cancelled' },
      'nothing',
    ],
    ['nothing: begun, the same', begun, { price: usd(1_000) }, 'nothing'],
    ['no: booked, move', booked, { starts_at: at(6) }, 'has_live_bookings'],
    ['no: booked, reprice', booked, { price: usd(1) }, 'has_live_bookings'],
    [
      'no: booked, other currency',
      booked,
      { price: { amount: 1_000, currency: 'EUR' } },
      'has_live_bookings',
    ],
    [
      'no: booked, cancel and reprice',
      booked,
      { status: 'cancelled', price: usd(1) },
      'has_live_bookings',
    ],
    ['no: begun this instant', begun, { status: 'cancelled' }, 'screening_started'],
    ['no: begun and booked', { ...begun, ...booked }, { price: usd(1) }, 'screening_started'],
    ['no: cancelled, revive', cancelled, { status: 'scheduled' }, 'screening_cancelled'],
    ['no: cancelled, move', cancelled, { starts_at: at(6) }, 'screening_cancelled'],
    ['no: into the past', {}, { starts_at: at(-1) }, 'invalid_request'],
    ['no: to this instant', {}, { starts_at: now }, 'invalid_request'],
  ])('%s', (_what, over, change, expected) => {
    expect(outcome(decideScreeningChange({ screening: screening(over), now }, change))).toEqual(
      expected,
    );
  });
});

const someScreening = fc
  .record({
    start: fc.integer({ min: -3, max: 3 }),
    amount: fc.integer({ min: 0, max: 2 }),
    available_seats: fc.integer({ min: 8, max: 10 }),
    status: fc.constantFrom('scheduled' as const, 'cancelled' as const),
  })
  .map(({ start, amount, ...rest }) =>
    screening({ starts_at: at(start).toISOString(), price: usd(amount), ...rest }),
  );

const someChange: fc.Arbitrary<ScreeningChange> = fc.record(
  {
    starts_at: fc.integer({ min: -3, max: 3 }).map(at),
    price: fc.integer({ min: 0, max: 2 }).map(usd),
    status: fc.constantFrom('scheduled' as const, 'cancelled' as const),
  },
  { requiredKeys: [] },
);

test('when anything is asked of any screening, then what was sold stands and what is over stays', () => {
  fc.assert(
    fc.property(someScreening, someChange, (current, change) => {
      const decision = decideScreeningChange({ screening: current, now }, change);
      if (decision.do !== 'change') return;
      expect(Object.keys(decision.to)).not.toHaveLength(0);
      expect(current.status).toBe('scheduled');
      expect(Date.parse(current.starts_at)).toBeGreaterThan(now.getTime());
      if (current.available_seats < current.total_seats) {
        expect(decision.to).toEqual({ status: 'cancelled' });
      }
      expect((decision.to.starts_at ?? at(1)).getTime()).toBeGreaterThan(now.getTime());
      // What was done once is no change the second time.
      const { starts_at: start, price = current.price, status = current.status } = decision.to;
      const starts_at = start?.toISOString() ?? current.starts_at;
      const after = { ...current, starts_at, price, status };
      expect(decideScreeningChange({ screening: after, now }, change)).toEqual({ do: 'nothing' });
    }),
    { numRuns: 2_000 },
  );
});
