import type { SeatWish } from './best-available.ts';
import { freeRuns, type FreeSeats } from './free-seats.ts';
import type { SeatLayout } from './seat-layout.ts';
import { anchorOf, distanceTo, fill, maximumRuns, type Part } from './split-party.ts';

/**
 * A wheelchair space with its companion seats, then standard seats as near to it as possible. With
 * `together: required` all of them are in the row of the space.
 */
export const findAccessible = (
  layout: SeatLayout,
  free: FreeSeats,
  { count, together, category }: SeatWish,
): readonly number[] | undefined => {
  let best: Part | undefined;
  for (const { seat, companions } of layout.wheelchairSpaces) {
    if (free[seat] !== 1 || (category !== undefined && layout.category[seat] !== category))
      continue;
    const beside = companions.filter((other) => free[other] === 1).slice(0, count - 1);
    const rest = count - 1 - beside.length;
    const found =
      rest === 0
        ? { seats: [], cost: 0 }
        : nearestStandard(layout, free, seat, rest, together === 'required');
    if (found === undefined) continue;
    const cost = (layout.distance[seat] ?? 0) + found.cost;
    if (best === undefined || cost < best.cost) {
      best = { seats: [seat, ...beside, ...found.seats], cost };
    }
  }
  return best?.seats;
};

const nearestStandard = (
  layout: SeatLayout,
  free: FreeSeats,
  from: number,
  count: number,
  sameRow: boolean,
): Part | undefined => {
  const anchor = anchorOf(layout, [from]);
  const runs = freeRuns(layout, free, 'any').filter(
    ([seat = -1]) => !sameRow || layout.row[seat] === layout.row[from],
  );
  const cost = (seats: readonly number[]): number => distanceTo(layout, seats, anchor);
  const sorted = runs.toSorted((a, b) => cost(a) - cost(b)).slice(0, maximumRuns);
  return fill(layout, free, sorted, count, 1, anchor) ?? fill(layout, free, runs, count, 1, anchor);
};
