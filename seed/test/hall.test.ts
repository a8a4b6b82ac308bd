import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, test } from '@jest/globals';
import { readSeatPlan } from '@movie-ticketing/catalog/seat-plans/read-seat-plan';
import fc from 'fast-check';

import { hall, planOfHall } from '../src/hall.ts';

const demo = JSON.parse(
  readFileSync(join(import.meta.dirname, '../data/theaters.json'), 'utf8'),
) as { name: string; total_seats: number; hall?: unknown }[];

describe('the halls of the demo', () => {
  test.each(demo.filter((it) => it.hall !== undefined).map((it) => [it.name, it] as const))(
    '%s has the seats that it says',
    (_name, theater) => {
      expect(planOfHall(hall.parse(theater.hall)).seats).toHaveLength(theater.total_seats);
    },
  );

  test('are of most theaters, and show every kind of seat', () => {
    const halls = demo.flatMap((it) => (it.hall === undefined ? [] : hall.parse(it.hall)));
    expect(halls.length).toBeGreaterThan(demo.length / 2);
    expect(halls.length).toBeLessThan(demo.length);
    const seats = halls.flatMap((it) => planOfHall(it).seats);
    expect(new Set(seats.map(({ kind }) => kind)).size).toBe(3);
    expect(new Set(seats.map(({ category }) => category))).toEqual(
      new Set(['Stalls', 'Premium', 'Balcony']),
    );
    expect(seats.some(({ group }) => group !== undefined)).toBe(true);
  });
});

test('every hall is a seat plan that the API accepts', () => {
  const halls = fc.record({
    blocks: fc.array(fc.integer({ min: 4, max: 12 }), { minLength: 1, maxLength: 5 }),
    rows: fc.integer({ min: 2, max: 24 }),
    premium_rows: fc.nat(5),
    couple_rows: fc.nat(1),
    balcony_rows: fc.nat(5),
    wheelchair_spaces: fc.nat(2),
  });
  fc.assert(
    fc.property(halls, (of) => {
      const plan = planOfHall(of);
      const size = of.blocks.reduce((sum, it) => sum + it, 0) * (of.rows + of.balcony_rows);
      expect(plan.seats).toHaveLength(size);
      const read = readSeatPlan({ ...plan });
      expect(read).toMatchObject({ seats: plan.seats });
    }),
  );
});
