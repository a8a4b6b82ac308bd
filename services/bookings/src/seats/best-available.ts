import { meanOf, type SeatLayout, type Window, type WindowCategory } from './seat-layout.ts';

/** Free seats by position: 1 is free. */
export type FreeSeats = Uint8Array;

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
      categories.map((category) => findSplit(layout, free, count, { category, shortest })),
    );
  const across = (shortest: 1 | 2): Choice | undefined =>
    wish.acrossCategories
      ? findSplit(layout, free, count, { category: 'any', shortest })
      : undefined;
  return (
    split(2) ??
    (wish.acrossCategories ? findTogether(layout, free, count, 'any') : undefined) ??
    across(2) ??
    split(1) ??
    across(1)
  );
};

const isFree = (free: FreeSeats, seats: readonly number[]): boolean => {
  for (const seat of seats) if (free[seat] !== 1) return false;
  return true;
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

/** Whether some choice of that many seats side by side leaves no orphan. */
export const canAvoidOrphans = (layout: SeatLayout, free: FreeSeats, count: number): boolean =>
  layout
    .windows(count, 'any')
    .some(({ seats }) => isFree(free, seats) && orphansOf(layout, free, seats).length === 0);

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

type SplitRules = { category: number | 'any'; shortest: 1 | 2 };

/** Free standard seats side by side that the category allows. */
const freeRuns = (layout: SeatLayout, free: FreeSeats, category: number | 'any'): number[][] => {
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

/** A part of a party: seats side by side. */
type Part = { seats: readonly number[]; cost: number };

/** More than any distance in a plan: one person fewer alone is better than any place. */
const alonePenalty = 1e9;
const orphanPenalty = 1e3;
/** Places that are tried as the middle of a party, and free runs around each. */
const maximumAnchors = 6;
const maximumRuns = 48;

/**
 * Seats in several places, near to each other: around each of the best places, and at last anywhere, so
 * that a party that fits somewhere is never refused.
 */
const findSplit = (
  layout: SeatLayout,
  free: FreeSeats,
  count: number,
  { category, shortest }: SplitRules,
): Choice | undefined => {
  if (count < 2 && shortest === 2) return undefined;
  const runs = freeRuns(layout, free, category);
  const seatsIn = runs.reduce((sum, run) => sum + run.length, 0);
  if (seatsIn < count) return undefined;
  const centers = runs
    .map((run) => ({ run, cost: meanOf(layout.distance, run) }))
    .sort((a, b) => a.cost - b.cost);
  let best: Part | undefined;
  for (const { run: middle } of centers.slice(0, maximumAnchors)) {
    const near = nearestRuns(layout, runs, middle);
    const found = fill(layout, free, near, count, shortest, anchorOf(layout, middle));
    if (found !== undefined && (best === undefined || found.cost < best.cost)) best = found;
  }
  best ??= fill(layout, free, runs, count, shortest, undefined);
  best ??= shortest === 1 ? fillWithUnits(layout, runs, count) : undefined;
  return best && { seats: best.seats, arrangement: shortest === 2 ? 'split' : 'alone' };
};

type Point = { x: number; y: number };

const anchorOf = (layout: SeatLayout, seats: readonly number[]): Point => ({
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

const distanceTo = (layout: SeatLayout, seats: readonly number[], { x, y }: Point): number =>
  Math.hypot(meanOf(layout.x, seats) - x, meanOf(layout.y, seats) - y);

/** What it costs to seat 0 to `count` people, by their number; undefined where that is not possible. */
type Seating = readonly (Part | undefined)[];

/** Seats `count` people in parts of at least `shortest` seats at the least cost. */
const fill = (
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
  const units = [...open]
    .map((seat) => layout.group[seat] ?? [seat])
    .filter((unit, index, all) => {
      const [first] = unit;
      return (
        unit.every((seat) => open.has(seat)) && all.findIndex(([it]) => it === first) === index
      );
    })
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
  const rowOf = (seat: number): number => layout.y[seat] ?? 0;
  const runs = freeRuns(layout, free, 'any').filter(
    (run) => !sameRow || rowOf(run[0] ?? 0) === rowOf(from),
  );
  const cost = (seats: readonly number[]): number => distanceTo(layout, seats, anchor);
  const sorted = runs.toSorted((a, b) => cost(a) - cost(b)).slice(0, maximumRuns);
  return fill(layout, free, sorted, count, 1, anchor) ?? fill(layout, free, runs, count, 1, anchor);
};
