import type { SeatWish } from './best-available.ts';
import { freeRuns, type FreeSeats } from './free-seats.ts';
import type { SeatLayout } from './seat-layout.ts';
import { anchorOf, distanceTo, fill, fillNearest, maximumRuns, type Part } from './split-party.ts';

/**
 * The best wheelchair space with its companion seats, then standard seats as near to it as possible. With
 * `together: required` all of them are in the row of the space.
 */
export const findAccessible = (
  layout: SeatLayout,
  free: FreeSeats,
  { count, together, category }: SeatWish,
): readonly number[] | undefined => {
  const { wheelchairSpaces, distance } = layout;
  const spaces = wheelchairSpaces
    .filter(({ seat }) => free[seat] === 1)
    .filter(({ seat }) => category === undefined || layout.category[seat] === category)
    .sort((a, b) => (distance[a.seat] ?? 0) - (distance[b.seat] ?? 0));
  for (const { seat, companions } of spaces) {
    const beside = companions.filter((other) => free[other] === 1).slice(0, count - 1);
    const rest = count - 1 - beside.length;
    if (rest === 0) return [seat, ...beside];
    const found = nearestStandard(layout, free, seat, rest, together === 'required');
    if (found !== undefined) return [seat, ...beside, ...found.seats];
  }
  return undefined;
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
  return (
    fillNearest(layout, free, sorted, count, 1, anchor) ??
    fill(layout, free, runs, count, 1, anchor)
  );
};
