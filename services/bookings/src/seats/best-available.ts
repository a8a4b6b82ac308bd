import { isFree, orphansOf, type FreeSeats } from './free-seats.ts';
import { meanOf, type SeatLayout, type Window, type WindowCategory } from './seat-layout.ts';
import { findSplit } from './split-party.ts';

/**
 * How a party sits, the best first: side by side with no single seat left free beside them; side by side;
 * in several places with nobody alone; in several places with somebody alone.
 */
export type Arrangement = 'together_without_orphan' | 'together' | 'split' | 'alone';

export type Choice = { seats: readonly number[]; arrangement: Arrangement };

export type SeatWish = {
  count: number;
  /** An index of the layout's categories; undefined: one category, whichever. */
  category: number | undefined;
  /** Whether the party may sit in several categories if it does not fit into one. */
  acrossCategories: boolean;
  together: 'required' | 'preferred';
};

/**
 * The best free seats for a party, in these steps: side by side without leaving a single seat free; side by
 * side; in several places with nobody alone; then the same across categories where asked; and somebody
 * alone only if there is no other way. Within a step the seats nearest to the best place of the theater.
 * Wheelchair spaces and companion seats are never among them.
 */
export const findBestAvailable = (
  layout: SeatLayout,
  free: FreeSeats,
  wish: SeatWish,
): Choice | undefined => {
  const { count } = wish;
  const one: WindowCategory = wish.category ?? 'uniform';
  const together =
    findTogether(layout, free, count, one) ??
    (wish.acrossCategories && wish.together === 'required'
      ? findTogether(layout, free, count, 'any')
      : undefined);
  if (together !== undefined || wish.together === 'required') return together;
  const categories = wish.category === undefined ? [...layout.categories.keys()] : [wish.category];
  const split = (shortest: 1 | 2): Choice | undefined =>
    bestOf(
      layout,
      categories.map((category) => seatSplit(layout, free, count, { category, shortest })),
    );
  const across = (shortest: 1 | 2): Choice | undefined =>
    wish.acrossCategories
      ? seatSplit(layout, free, count, { category: 'any', shortest })
      : undefined;
  return (
    split(2) ??
    (wish.acrossCategories ? findTogether(layout, free, count, 'any') : undefined) ??
    across(2) ??
    split(1) ??
    across(1)
  );
};

/** Side by side without an orphan if there is such a choice. */
const findTogether = (
  layout: SeatLayout,
  free: FreeSeats,
  count: number,
  category: WindowCategory,
): Choice | undefined => {
  let second: Window | undefined;
  for (const window of layout.windows(count, category)) {
    if (!isFree(free, window.seats)) continue;
    if (orphansOf(layout, free, window.seats).length === 0) {
      return { seats: window.seats, arrangement: 'together_without_orphan' };
    }
    second ??= window;
  }
  return second && { seats: second.seats, arrangement: 'together' };
};

/** The better of several choices of equal arrangement: nearest to the best place of the theater. */
const bestOf = (
  layout: SeatLayout,
  choices: readonly (Choice | undefined)[],
): Choice | undefined => {
  let best: Choice | undefined;
  for (const choice of choices) {
    if (choice === undefined) continue;
    if (
      best === undefined ||
      meanOf(layout.distance, choice.seats) < meanOf(layout.distance, best.seats)
    ) {
      best = choice;
    }
  }
  return best;
};

const seatSplit = (
  layout: SeatLayout,
  free: FreeSeats,
  count: number,
  rules: Parameters<typeof findSplit>[3],
): Choice | undefined => {
  const found = findSplit(layout, free, count, rules);
  return found && { seats: found.seats, arrangement: rules.shortest === 2 ? 'split' : 'alone' };
};
