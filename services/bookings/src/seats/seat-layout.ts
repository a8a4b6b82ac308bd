import type { SeatPlanContent } from '@movie-ticketing/kit/seat-plan';

/**
 * A seat plan prepared for choosing seats. A seat is its position in the plan, from 0: the bit of a
 * screening's seat map.
 */
export type SeatLayout = {
  size: number;
  ids: readonly string[];
  positions: ReadonlyMap<string, number>;
  /** The category of each seat, as an index of `categories`. */
  category: readonly number[];
  categories: readonly string[];
  /** Whether a seat is offered to everyone: not a wheelchair space or a companion seat. */
  isStandard: readonly boolean[];
  /** Wheelchair spaces with their companion seats. */
  wheelchairSpaces: readonly { seat: number; companions: readonly number[] }[];
  /** The seats of the seat's group, the seat itself included; undefined for a seat without a group. */
  group: readonly (readonly number[] | undefined)[];
  /** The wheelchair space of a companion seat. */
  companionOf: readonly (number | undefined)[];
  /** The neighbor on each side in the row, -1 at an aisle or the end of the row. */
  left: Int32Array;
  right: Int32Array;
  /** The row of each seat, by name: rows of two zones are different rows. */
  row: readonly string[];
  /** Seats side by side, from left to right: parts of rows, separated by aisles. */
  runs: readonly (readonly number[])[];
  /** The distance of each seat from the best place of the theater, in units of the plan. */
  distance: Float64Array;
  x: Float64Array;
  y: Float64Array;
  /** Choices of `count` standard seats side by side, the best first. Groups are in them whole. */
  windows: (count: number, category: WindowCategory) => readonly Window[];
};

/** `uniform`: all of one category, whichever. `any`: also of several. */
export type WindowCategory = number | 'uniform' | 'any';

export type Window = { seats: readonly number[]; cost: number };

/** A gap between seats counts as an aisle from this many times the usual distance. */
const aisle = 1.5;

/** The best place of a theater: in the middle, at this share of the way from the first row to the last. */
const bestDepth = 0.6;

export const makeSeatLayout = ({ categories, seats }: SeatPlanContent): SeatLayout => {
  const positions = new Map(seats.map(({ id }, position) => [id, position]));
  const names = categories.map(({ name }) => name);
  const groups = Map.groupBy(
    seats.flatMap(({ group }, position) => (group === undefined ? [] : [{ group, position }])),
    ({ group }) => group,
  );
  const x = Float64Array.from(seats, (seat) => seat.x);
  const y = Float64Array.from(seats, (seat) => seat.y);
  const runs = runsOf(seats);
  const companionOf = seats.map(({ companion_of: space }) =>
    space === undefined ? undefined : positions.get(space),
  );
  const layout = {
    size: seats.length,
    ids: seats.map(({ id }) => id),
    positions,
    category: seats.map(({ category }) => names.indexOf(category)),
    categories: names,
    isStandard: seats.map(({ kind }) => kind === 'standard'),
    wheelchairSpaces: wheelchairSpacesOf(seats, companionOf),
    group: seats.map(({ group }) =>
      group === undefined ? undefined : groups.get(group)?.map(({ position }) => position),
    ),
    companionOf,
    ...neighborsOf(seats.length, runs),
    row: seats.map(rowOf),
    ...{ runs, x, y },
    distance: distancesOf(x, y),
  };
  const known = new Map<string, readonly Window[]>();
  return {
    ...layout,
    windows: (count, category) => {
      const key = `${String(count)} ${String(category)}`;
      const found = known.get(key) ?? windowsOf(layout, count, category);
      known.set(key, found);
      return found;
    },
  };
};

const neighborsOf = (
  size: number,
  runs: readonly (readonly number[])[],
): Pick<SeatLayout, 'left' | 'right'> => {
  const left = new Int32Array(size).fill(-1);
  const right = new Int32Array(size).fill(-1);
  for (const run of runs) {
    run.forEach((seat, index) => {
      left[seat] = run[index - 1] ?? -1;
      right[seat] = run[index + 1] ?? -1;
    });
  }
  return { left, right };
};

const wheelchairSpacesOf = (
  seats: SeatPlanContent['seats'],
  companionOf: SeatLayout['companionOf'],
): SeatLayout['wheelchairSpaces'] =>
  seats.flatMap(({ kind }, seat) => {
    if (kind !== 'wheelchair') return [];
    const companions = companionOf.flatMap((space, other) => (space === seat ? [other] : []));
    return [{ seat, companions }];
  });

/** Neither name contains a line break. */
const rowOf = (seat: SeatPlanContent['seats'][number] | undefined): string =>
  `${seat?.zone ?? ''}\n${seat?.row ?? ''}`;

/**
 * Adjacency is the order of the seats of a row, from left to right, and never their numbers. A gap that is
 * wider than usual is an aisle.
 */
const runsOf = (seats: SeatPlanContent['seats']): number[][] => {
  const rows = Map.groupBy(seats.keys(), (position) => rowOf(seats[position]));
  return [...rows.values()].flatMap((row) => {
    const at = (position: number): { x: number; y: number } => seats[position] ?? { x: 0, y: 0 };
    // A row that goes up and down more than sideways is ordered by y.
    const span = (pick: 'x' | 'y'): number => {
      const values = row.map((position) => at(position)[pick]);
      return Math.max(...values) - Math.min(...values);
    };
    const axis = span('x') >= span('y') ? 'x' : 'y';
    const ordered = row.toSorted((a, b) => at(a)[axis] - at(b)[axis] || a - b);
    const gaps = ordered.slice(1).map((position, index) => {
      const from = at(ordered[index] ?? position);
      return Math.hypot(at(position).x - from.x, at(position).y - from.y);
    });
    const usual = gaps.toSorted((a, b) => a - b)[Math.floor((gaps.length - 1) / 2)] ?? 0;
    const runs: number[][] = [];
    ordered.forEach((position, index) => {
      const gap = gaps[index - 1];
      const run = runs.at(-1);
      if (run === undefined || gap === undefined || gap > usual * aisle) runs.push([position]);
      else run.push(position);
    });
    return runs;
  });
};

const distancesOf = (x: Float64Array, y: Float64Array): Float64Array => {
  const middle = (values: Float64Array, share: number): number => {
    let low = Infinity;
    let high = -Infinity;
    for (const value of values) {
      low = Math.min(low, value);
      high = Math.max(high, value);
    }
    return low + (high - low) * share;
  };
  const bestX = middle(x, 0.5);
  const bestY = middle(y, bestDepth);
  return x.map((value, seat) => Math.hypot(value - bestX, (y[seat] ?? 0) - bestY));
};

type Part = Pick<SeatLayout, 'runs' | 'isStandard' | 'category' | 'group' | 'distance'>;

export const meanOf = (values: Float64Array, seats: readonly number[]): number => {
  let sum = 0;
  for (const seat of seats) sum += values[seat] ?? 0;
  return sum / seats.length;
};

const windowsOf = (layout: Part, count: number, category: WindowCategory): Window[] => {
  const windows: Window[] = [];
  for (const run of layout.runs) {
    for (let start = 0; start + count <= run.length; start += 1) {
      const seats = run.slice(start, start + count);
      if (isOffered(layout, seats, category)) {
        windows.push({ seats, cost: meanOf(layout.distance, seats) });
      }
    }
  }
  return windows.sort((a, b) => a.cost - b.cost || (a.seats[0] ?? 0) - (b.seats[0] ?? 0));
};

const isOffered = (
  { isStandard, category: categoryOf, group }: Part,
  seats: readonly number[],
  category: WindowCategory,
): boolean => {
  const wanted = typeof category === 'number' ? category : categoryOf[seats[0] ?? 0];
  return seats.every(
    (seat) =>
      isStandard[seat] === true &&
      (category === 'any' || categoryOf[seat] === wanted) &&
      (group[seat] === undefined || group[seat].every((other) => seats.includes(other))),
  );
};
