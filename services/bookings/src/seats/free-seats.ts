import type { SeatLayout } from './seat-layout.ts';

/** Free seats by position: 1 is free. */
export type FreeSeats = Uint8Array;

export const isFree = (free: FreeSeats, seats: readonly number[]): boolean => {
  for (const seat of seats) if (free[seat] !== 1) return false;
  return true;
};

/**
 * Single seats that a choice would leave free between others that are not: judged by what a customer
 * could still take. A blocked seat, a wheelchair space and an aisle end the row; a category does not.
 */
export const orphansOf = (
  layout: SeatLayout,
  free: FreeSeats,
  seats: readonly number[],
): number[] => {
  const { left, right, isStandard } = layout;
  const isOpen = (seat: number): boolean =>
    seat !== -1 && free[seat] === 1 && isStandard[seat] === true && !seats.includes(seat);
  const orphans: number[] = [];
  for (const seat of seats) {
    // The neighbors of a wheelchair space or a companion seat were alone before.
    if (isStandard[seat] !== true) continue;
    const before = left[seat] ?? -1;
    const after = right[seat] ?? -1;
    if (isOpen(before) && !isOpen(left[before] ?? -1)) orphans.push(before);
    // A seat between two of the choice is found from its other side already.
    if (isOpen(after) && !isOpen(right[after] ?? -1) && !orphans.includes(after)) {
      orphans.push(after);
    }
  }
  return orphans;
};

/** Whether some choice of that many seats side by side leaves no orphan. */
export const canAvoidOrphans = (layout: SeatLayout, free: FreeSeats, count: number): boolean =>
  layout
    .windows(count, 'any')
    .some(({ seats }) => isFree(free, seats) && orphansOf(layout, free, seats).length === 0);

/** Free standard seats side by side that the category allows. */
export const freeRuns = (
  layout: SeatLayout,
  free: FreeSeats,
  category: number | 'any',
): number[][] => {
  const found: number[][] = [];
  for (const run of layout.runs) {
    let current: number[] | undefined;
    for (const seat of run) {
      const isOpen =
        free[seat] === 1 &&
        layout.isStandard[seat] === true &&
        (category === 'any' || layout.category[seat] === category);
      if (!isOpen) current = undefined;
      else if (current === undefined) found.push((current = [seat]));
      else current.push(seat);
    }
  }
  return found;
};
