import { describe, expect, test } from '@jest/globals';
import type { SeatPlanContent } from '@movie-ticketing/kit/seat-plan';
import fc from 'fast-check';

import { findAccessible } from '../src/seats/accessible-seats.ts';
import { findBestAvailable, type Choice, type SeatWish } from '../src/seats/best-available.ts';
import { canAvoidOrphans, orphansOf, type FreeSeats } from '../src/seats/free-seats.ts';
import { makeSeatLayout, type SeatLayout } from '../src/seats/seat-layout.ts';

type Seat = SeatPlanContent['seats'][number];

/**
 * A theater as a drawing, one line a row: `.` a seat, `b` a seat of the second category, `w` a wheelchair
 * space, `c` its companion seat, `[]` a couple seat, a blank an aisle.
 */
const draw = (...rows: string[]): SeatPlanContent => {
  const seats: Seat[] = [];
  rows.forEach((row, y) => {
    let space = '';
    Array.from(row).forEach((character, x) => {
      if (character === ' ') return;
      const id = `${String.fromCharCode(65 + y)}-${String(x + 1)}`;
      if (character === 'w') space = id;
      const couple =
        character === '[' ? id : character === ']' ? (seats.at(-1)?.group ?? id) : undefined;
      seats.push({
        ...{ id, row: String.fromCharCode(65 + y), number: String(x + 1), x, y },
        category: character === 'b' ? 'Balcony' : 'Stalls',
        kind: character === 'w' ? 'wheelchair' : character === 'c' ? 'companion' : 'standard',
        ...(couple === undefined ? {} : { group: couple }),
        ...(character === 'c' ? { companion_of: space } : {}),
      });
    });
  });
  return {
    categories: [
      { name: 'Stalls', color: '#3366cc' },
      { name: 'Balcony', color: '#dc3912' },
    ],
    seats,
  };
};

const layoutOf = (...rows: string[]): SeatLayout => makeSeatLayout(draw(...rows));

const allFreeBut = (layout: SeatLayout, ...taken: string[]): FreeSeats => {
  const free = new Uint8Array(layout.size).fill(1);
  for (const id of taken) free[layout.positions.get(id) ?? -1] = 0;
  return free;
};

const wish = (count: number, more: Partial<SeatWish> = {}): SeatWish => ({
  count,
  category: undefined,
  acrossCategories: false,
  together: 'preferred',
  ...more,
});

const idsOf = (layout: SeatLayout, choice: { seats: readonly number[] } | undefined) =>
  choice?.seats.map((seat) => layout.ids[seat]).toSorted();

describe('neighbors', () => {
  test('follow the positions of seats and never their numbers', () => {
    const plan = draw('....');
    const numbers = ['7', '1', '9', '2'];
    const renumbered = {
      ...plan,
      seats: plan.seats.map((it, i) => ({ ...it, number: numbers[i] ?? '' })),
    };
    expect(makeSeatLayout(renumbered).runs).toEqual([[0, 1, 2, 3]]);
  });

  test('end at an aisle and at a row of the same name in another zone', () => {
    expect(layoutOf('.. ..').runs).toEqual([
      [0, 1],
      [2, 3],
    ]);
    const plan = draw('....');
    const zones = {
      ...plan,
      seats: plan.seats.map((it, i) => ({ ...it, zone: i < 2 ? 'A' : 'B' })),
    };
    expect(makeSeatLayout(zones).runs).toEqual([
      [0, 1],
      [2, 3],
    ]);
  });
});

describe('the best available seats', () => {
  test('are side by side, nearest to the best place', () => {
    const layout = layoutOf('......', '......', '......', '......', '......');
    expect(idsOf(layout, findBestAvailable(layout, allFreeBut(layout), wish(2)))).toEqual([
      'C-3',
      'C-4',
    ]);
    const withoutThem = allFreeBut(layout, 'C-3', 'C-4');
    expect(idsOf(layout, findBestAvailable(layout, withoutThem, wish(2)))).toEqual(['D-3', 'D-4']);
  });

  test('leave no single seat where another choice of that size exists', () => {
    const layout = layoutOf('....', '....');
    const free = allFreeBut(layout, 'B-4');
    const choice = findBestAvailable(layout, free, wish(2));
    expect(choice?.arrangement).toBe('together_without_orphan');
    expect(orphansOf(layout, free, choice?.seats ?? [])).toEqual([]);
  });

  test('may leave a single seat where that quantity cannot be sold otherwise', () => {
    const layout = layoutOf('...');
    const choice = findBestAvailable(layout, allFreeBut(layout), wish(2));
    expect(choice?.arrangement).toBe('together');
    expect(canAvoidOrphans(layout, allFreeBut(layout), 2)).toBe(false);
  });

  test('are in several places with nobody alone where no row has room', () => {
    const layout = layoutOf('..', '..', '.');
    const choice = findBestAvailable(layout, allFreeBut(layout), wish(4));
    expect(choice?.arrangement).toBe('split');
    expect(idsOf(layout, choice)).toEqual(['A-1', 'A-2', 'B-1', 'B-2']);
  });

  test('separate one person only where every other choice does too', () => {
    const layout = layoutOf('..', '..');
    const choice = findBestAvailable(layout, allFreeBut(layout), wish(3));
    expect(choice?.arrangement).toBe('alone');
    expect(choice?.seats).toHaveLength(3);
  });

  test('are of one category unless several are asked for', () => {
    const layout = layoutOf('..bb');
    expect(findBestAvailable(layout, allFreeBut(layout), wish(3))).toBeUndefined();
    const across = wish(3, { acrossCategories: true });
    expect(findBestAvailable(layout, allFreeBut(layout), across)?.seats).toHaveLength(3);
    const balcony = wish(2, { category: 1 });
    expect(idsOf(layout, findBestAvailable(layout, allFreeBut(layout), balcony))).toEqual([
      'A-3',
      'A-4',
    ]);
  });

  test('are none where a party that must sit together does not fit', () => {
    const layout = layoutOf('..', '..');
    expect(
      findBestAvailable(layout, allFreeBut(layout), wish(3, { together: 'required' })),
    ).toBeUndefined();
  });

  test('have couple seats whole, and never wheelchair spaces or companion seats', () => {
    const layout = layoutOf('wc[]');
    expect(findBestAvailable(layout, allFreeBut(layout), wish(1))).toBeUndefined();
    expect(idsOf(layout, findBestAvailable(layout, allFreeBut(layout), wish(2)))).toEqual([
      'A-3',
      'A-4',
    ]);
    expect(findBestAvailable(layout, allFreeBut(layout), wish(3))).toBeUndefined();
  });

  test('use two couple seats whose middle seat is free too', () => {
    const layout = layoutOf('[].[]');
    expect(findBestAvailable(layout, allFreeBut(layout, 'A-3'), wish(4))?.arrangement).toBe(
      'split',
    );
    expect(findBestAvailable(layout, allFreeBut(layout), wish(4))?.arrangement).toBe('split');
  });
});

describe('accessible seats', () => {
  test('are a wheelchair space, its companion seats, and the nearest seats', () => {
    const layout = layoutOf('......', '..wc..');
    expect(
      idsOf(layout, { seats: findAccessible(layout, allFreeBut(layout), wish(2)) ?? [] }),
    ).toEqual(['B-3', 'B-4']);
    expect(findAccessible(layout, allFreeBut(layout), wish(4))).toHaveLength(4);
    expect(findAccessible(layout, allFreeBut(layout, 'B-3'), wish(1))).toBeUndefined();
  });
});

describe('accessible seats that must be together', () => {
  test('are in the row of the space, also where the row is curved', () => {
    const plan = draw('.....', 'wc...');
    const seats = plan.seats.map((it) => ({ ...it, y: it.y + Math.abs(it.x - 2) / 10 }));
    const layout = makeSeatLayout({ ...plan, seats });
    const chosen = findAccessible(layout, allFreeBut(layout), wish(4, { together: 'required' }));
    expect(idsOf(layout, { seats: chosen ?? [] })).toEqual(['B-1', 'B-2', 'B-3', 'B-4']);
  });
});

describe('a single seat that a choice leaves', () => {
  test('is judged by the row, its aisles and the seats that a customer could take', () => {
    const layout = layoutOf('.... .w.b');
    const leftBy = (...ids: string[]) =>
      orphansOf(
        layout,
        allFreeBut(layout),
        ids.map((id) => layout.positions.get(id) ?? -1),
      ).map((seat) => layout.ids[seat]);
    expect(leftBy('A-2')).toEqual(['A-1']);
    expect(leftBy('A-1', 'A-2')).toEqual([]);
    expect(leftBy('A-2', 'A-3')).toEqual(['A-1', 'A-4']);
    // A category does not end a row.
    expect(leftBy('A-8')).toEqual(['A-9']);
    // The wheelchair space beside it is not for everyone, so A-6 was alone before.
    expect(leftBy('A-7')).toEqual([]);
    expect(leftBy('A-6')).toEqual([]);
  });
});

const cell = fc.constantFrom('.', '.', '.', '.', 'b', 'w', ' ', '[]');
const row = fc.array(cell, { minLength: 1, maxLength: 10 }).map((cells) => cells.join(''));
const theaters = fc
  .array(row, { minLength: 1, maxLength: 5 })
  .map((rows) => draw(...rows))
  .filter(({ seats }) => seats.length > 0);

const situations = theaters.chain((plan) =>
  fc.record({
    layout: fc.constant(makeSeatLayout(plan)),
    taken: fc.subarray([...plan.seats.keys()]),
    count: fc.integer({ min: 1, max: 6 }),
    acrossCategories: fc.boolean(),
  }),
);

const freeOf = (layout: SeatLayout, taken: readonly number[]): FreeSeats => {
  const free = new Uint8Array(layout.size).fill(1);
  for (const seat of taken) free[seat] = 0;
  return free;
};

/**
 * The step in which a choice is found. An orphan beside the party is no harm to the party, so that the
 * first two arrangements are one step.
 */
const stepOf = (layout: SeatLayout, choice: Choice | undefined): number => {
  if (choice === undefined) return 5;
  if (choice.arrangement === 'alone') return 4;
  const isSplit = choice.arrangement === 'split' ? 1 : 0;
  const categories = new Set(choice.seats.map((seat) => layout.category[seat]));
  return categories.size === 1 ? isSplit : 2 + isSplit;
};

describe('for any theater and any seats taken', () => {
  test('a choice has as many different seats as asked for, all of them free and standard, groups whole', () => {
    fc.assert(
      fc.property(situations, ({ layout, taken, count, acrossCategories }) => {
        const free = freeOf(layout, taken);
        const choice = findBestAvailable(layout, free, wish(count, { acrossCategories }));
        if (choice === undefined) return;
        expect(new Set(choice.seats).size).toBe(count);
        for (const seat of choice.seats) {
          expect(free[seat]).toBe(1);
          expect(layout.isStandard[seat]).toBe(true);
          for (const other of layout.group[seat] ?? []) expect(choice.seats).toContain(other);
        }
        if (!acrossCategories) {
          expect(new Set(choice.seats.map((seat) => layout.category[seat])).size).toBe(1);
        }
      }),
    );
  });

  test('seats that are called side by side are, and orphans are avoided where they can be', () => {
    fc.assert(
      fc.property(situations, ({ layout, taken, count }) => {
        const free = freeOf(layout, taken);
        const choice = findBestAvailable(layout, free, wish(count, { together: 'required' }));
        if (choice === undefined) return;
        choice.seats.slice(1).forEach((seat, index) => {
          expect(layout.left[seat]).toBe(choice.seats[index]);
        });
        const orphans = orphansOf(layout, free, choice.seats);
        expect(orphans.length === 0).toBe(choice.arrangement === 'together_without_orphan');
      }),
    );
  });

  test('a party of one category and no couple seats is refused only where too few seats are free', () => {
    const plain = fc
      .array(fc.array(fc.constantFrom('.', '.', ' '), { minLength: 1, maxLength: 8 }), {
        minLength: 1,
        maxLength: 4,
      })
      .map((rows) => draw(...rows.map((cells) => cells.join(''))))
      .filter(({ seats }) => seats.length > 0)
      .chain((plan) =>
        fc.record({
          layout: fc.constant(makeSeatLayout(plan)),
          taken: fc.subarray([...plan.seats.keys()]),
          count: fc.integer({ min: 1, max: 6 }),
        }),
      );
    fc.assert(
      fc.property(plain, ({ layout, taken, count }) => {
        const free = freeOf(layout, taken);
        const choice = findBestAvailable(layout, free, wish(count));
        expect(choice !== undefined).toBe(layout.size - taken.length >= count);
      }),
    );
  });

  test('more free seats never seat the party worse', () => {
    fc.assert(
      fc.property(situations, fc.nat(), ({ layout, taken, count, acrossCategories }, which) => {
        if (taken.length === 0) return;
        const fewer = taken.filter((_, index) => index !== which % taken.length);
        const asked = wish(count, { acrossCategories });
        const before = findBestAvailable(layout, freeOf(layout, taken), asked);
        const after = findBestAvailable(layout, freeOf(layout, fewer), asked);
        expect(stepOf(layout, after)).toBeLessThanOrEqual(stepOf(layout, before));
      }),
    );
  });
});
