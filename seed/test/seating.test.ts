import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, test } from '@jest/globals';
import { readSeatPlan } from '@movie-ticketing/catalog/seat-plans/read-seat-plan';
import fc from 'fast-check';

import { seating, planOfSeating } from '../src/seating.ts';

const demo = JSON.parse(
  readFileSync(join(import.meta.dirname, '../data/theaters.json'), 'utf8'),
) as { name: string; total_seats: number; seating?: unknown }[];

describe('the seating of the demo', () => {
  test.each(demo.filter((it) => it.seating !== undefined).map((it) => [it.name, it] as const))(
    '%s has as many seats as its theater',
    (_name, theater) => {
      expect(planOfSeating(seating.parse(theater.seating)).seats).toHaveLength(theater.total_seats);
    },
  );

  test('are of most theaters, and show every kind of seat', () => {
    const seatings = demo.flatMap((it) =>
      it.seating === undefined ? [] : seating.parse(it.seating),
    );
    expect(seatings.length).toBeGreaterThan(demo.length / 2);
    expect(seatings.length).toBeLessThan(demo.length);
    const seats = seatings.flatMap((it) => planOfSeating(it).seats);
    expect(new Set(seats.map(({ kind }) => kind)).size).toBe(3);
    expect(new Set(seats.map(({ category }) => category))).toEqual(
      new Set(['Stalls', 'Premium', 'Balcony']),
    );
    expect(seats.some(({ group }) => group !== undefined)).toBe(true);
  });
});

test('every seating is a seat plan that the API accepts', () => {
  const seatings = fc.record({
    blocks: fc.array(fc.integer({ min: 4, max: 12 }), { minLength: 1, maxLength: 5 }),
    rows: fc.integer({ min: 2, max: 24 }),
    premium_rows: fc.nat(5),
    couple_rows: fc.nat(1),
    balcony_rows: fc.nat(5),
    wheelchair_spaces: fc.nat(2),
  });
  fc.assert(
    fc.property(seatings, (of) => {
      const plan = planOfSeating(of);
      const size = of.blocks.reduce((sum, it) => sum + it, 0) * (of.rows + of.balcony_rows);
      expect(plan.seats).toHaveLength(size);
      const read = readSeatPlan({ ...plan });
      expect(read).toMatchObject({ seats: plan.seats });
    }),
  );
});
