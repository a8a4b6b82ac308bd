import { freeRuns, orphansOf, type FreeSeats } from './free-seats.ts';
import { meanOf, type SeatLayout } from './seat-layout.ts';

type SplitRules = { category: number | 'any'; shortest: 1 | 2 };
/** A part of a party: seats side by side. */
export type Part = { seats: readonly number[]; cost: number };

/** More than any distance in a plan: one person fewer alone is better than any place. */
const alonePenalty = 1e9;
const orphanPenalty = 1e3;
/** Places that are tried as the middle of a party, and free runs around each, of those nearest to the best place. */
const maximumAnchors = 6;
export const maximumRuns = 48;
const maximumCandidates = 250;

/**
 * Seats in several places, near to each other: around each of the best places, and at last anywhere, so
 * that a party that fits somewhere is never refused.
 */
export const findSplit = (
  layout: SeatLayout,
  free: FreeSeats,
  count: number,
  { category, shortest }: SplitRules,
): Part | undefined => {
  if (count < 2 && shortest === 2) return undefined;
  const runs = freeRuns(layout, free, category).filter((run) => run.length >= shortest);
  const seatsIn = runs.reduce((sum, run) => sum + run.length, 0);
  if (seatsIn < count) return undefined;
  const centers = runs
    .map((run) => ({ run, cost: meanOf(layout.distance, run) }))
    .sort((a, b) => a.cost - b.cost);
  const candidates = centers.slice(0, maximumCandidates).map(({ run }) => run);
  let best: Part | undefined;
  for (const middle of candidates.slice(0, maximumAnchors)) {
    const near = nearestRuns(layout, candidates, middle);
    const found = fillNearest(layout, free, near, count, shortest, anchorOf(layout, middle));
    if (found !== undefined && (best === undefined || found.cost < best.cost)) best = found;
  }
  best ??= fill(layout, free, runs, count, shortest, undefined);
  best ??= shortest === 1 ? fillWithUnits(layout, runs, count) : undefined;
  return best;
};

type Point = { x: number; y: number };

export const anchorOf = (layout: SeatLayout, seats: readonly number[]): Point => ({
  x: meanOf(layout.x, seats),
  y: meanOf(layout.y, seats),
});

const nearestRuns = (
  layout: SeatLayout,
  runs: readonly number[][],
  middle: readonly number[],
): number[][] => {
  const anchor = anchorOf(layout, middle);
  return runs
    .map((run) => ({ run, cost: distanceTo(layout, run, anchor) }))
    .sort((a, b) => a.cost - b.cost)
    .slice(0, maximumRuns)
    .map(({ run }) => run);
};

export const distanceTo = (layout: SeatLayout, seats: readonly number[], { x, y }: Point): number =>
  Math.hypot(meanOf(layout.x, seats) - x, meanOf(layout.y, seats) - y);

/** Runs with this many times the seats of a party are enough to seat it, where it fits at all. */
const enough = 3;

/**
 * Seats a party in the nearest of some runs, in their order. More of them are looked at only if it does not fit: the
 * work grows with the seats that are looked at, and a lock is held meanwhile.
 */
export const fillNearest = (
  layout: SeatLayout,
  free: FreeSeats,
  sorted: readonly number[][],
  count: number,
  shortest: 1 | 2,
  anchor: Point,
): Part | undefined => {
  let seats = 0;
  const first = sorted.findIndex((run) => (seats += run.length) >= count * enough);
  const nearest = first === -1 ? sorted : sorted.slice(0, first + 1);
  return (
    fill(layout, free, nearest, count, shortest, anchor) ??
    (first === -1 ? undefined : fill(layout, free, sorted, count, shortest, anchor))
  );
};

/** What it costs to seat 0 to `count` people, by their number; undefined where that is not possible. */
type Seating = readonly (Part | undefined)[];

/** Seats `count` people in parts of at least `shortest` seats at the least cost. */
export const fill = (
  layout: SeatLayout,
  free: FreeSeats,
  runs: readonly number[][],
  count: number,
  shortest: 1 | 2,
  anchor: Point | undefined,
): Part | undefined => {
  let best: Seating = [{ seats: [], cost: 0 }];
  for (const run of runs) {
    const parts = partsOf(layout, free, run, count, shortest, anchor);
    best = withRun(best, run.length, parts, count);
  }
  return best[count];
};

/** A part that begins at a position of its run. */
type PlacedPart = Part & { start: number };

/** The least cost with seats of one more run: any number of parts of it that do not overlap. */
const withRun = (
  before: Seating,
  length: number,
  parts: readonly PlacedPart[],
  count: number,
): Seating => {
  const byEnd = Map.groupBy(parts, ({ start, seats }) => start + seats.length);
  /** By how many seats of the run were looked at. */
  const steps: Seating[] = [before];
  for (let end = 1; end <= length; end += 1) {
    const next = [...(steps[end - 1] ?? [])];
    for (const part of byEnd.get(end) ?? []) {
      for (const [seated, so] of (steps[part.start] ?? []).entries()) {
        const total = seated + part.seats.length;
        if (so === undefined || total > count) continue;
        const cost = so.cost + part.cost;
        if (cost >= (next[total]?.cost ?? Infinity)) continue;
        next[total] = { seats: [...so.seats, ...part.seats], cost };
      }
    }
    steps.push(next);
  }
  return steps[length] ?? before;
};

/** Every part of a run that a party may take. */
const partsOf = (
  layout: SeatLayout,
  free: FreeSeats,
  run: readonly number[],
  count: number,
  shortest: 1 | 2,
  anchor: Point | undefined,
): PlacedPart[] => {
  const parts: PlacedPart[] = [];
  for (let size = shortest; size <= Math.min(run.length, count); size += 1) {
    for (let start = 0; start + size <= run.length; start += 1) {
      const seats = run.slice(start, start + size);
      if (!hasWholeGroups(layout, seats)) continue;
      const place =
        meanOf(layout.distance, seats) + (anchor ? distanceTo(layout, seats, anchor) : 0);
      const cost =
        size * place +
        (orphansOf(layout, free, seats).length > 0 ? orphanPenalty : 0) +
        (size === 1 ? alonePenalty : 0);
      parts.push({ seats, cost, start });
    }
  }
  return parts;
};

const hasWholeGroups = ({ group }: SeatLayout, seats: readonly number[]): boolean =>
  seats.every((seat) => group[seat]?.every((other) => seats.includes(other)) ?? true);

/** Single seats and whole groups, wherever they are: exactly `count` seats, nearest first. */
const fillWithUnits = (
  layout: SeatLayout,
  runs: readonly number[][],
  count: number,
): Part | undefined => {
  const open = new Set(runs.flat());
  // A group counts at its first seat, so that it counts once.
  const wholeGroups = [...open].flatMap((seat) => {
    const group = layout.group[seat];
    return group?.[0] === seat && group.every((other) => open.has(other)) ? [group] : [];
  });
  const singles = [...open].filter((seat) => layout.group[seat] === undefined);
  const units = [...wholeGroups, ...singles.map((seat) => [seat])]
    .map((seats) => ({ seats, cost: seats.length * meanOf(layout.distance, seats) }))
    .sort((a, b) => a.cost - b.cost);
  let best: (Part | undefined)[] = [{ seats: [], cost: 0 }];
  for (const unit of units) {
    const next = [...best];
    for (const [seated, so] of best.entries()) {
      const total = seated + unit.seats.length;
      if (so === undefined || total > count) continue;
      const cost = so.cost + unit.cost;
      if (cost >= (next[total]?.cost ?? Infinity)) continue;
      next[total] = { seats: [...so.seats, ...unit.seats], cost };
    }
    best = next;
  }
  return best[count];
};
