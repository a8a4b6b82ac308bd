import { isSeated, nameOf, type BookingCell, type Cell } from './cells.ts';
import type { Measurement } from './measure.ts';
import { median, ratio } from './statistics.ts';

/** The cells of one round. Each round has new server processes. */
export type Round = readonly Measurement[];

/** Medians of a cell over the rounds. */
export type Summary = {
  cell: Cell;
  rate: number;
  p50: number;
  p99: number;
  cpuMicros: number;
  idleShare: number;
  /** The rate divided by the rate of the control in the same round. NaN without a control. */
  ratio: number;
  /** Of bookings with keys: share of the rate without keys in the same round, else NaN. */
  shareOfUnkeyed: number;
  /** Of numbered seats: share of the rate of one hot screening of general admission, else NaN. */
  shareOfGeneral: number;
  problems: readonly string[];
};

export const problemsOf = ({ load, fault }: Measurement): string[] => [
  ...(fault === undefined ? [] : [fault]),
  ...(load.good === 0 ? ['no response in time'] : []),
  ...Object.entries(load.others).map(
    ([status, count]) => `${String(count)} responses with ${status}`,
  ),
  ...(load.errors === 0 ? [] : [`${String(load.errors)} connection errors`]),
];

const find = (round: Round, cell: Cell): Measurement | undefined => {
  const name = nameOf(cell);
  return round.find((it) => nameOf(it.cell) === name);
};

/** The ratio to another cell in each round: load of others on the machine affects neighbors alike. */
const ratioTo = (rounds: readonly Round[], cell: BookingCell, other: BookingCell): number =>
  median(
    rounds
      .map((round) => ratio(find(round, cell)?.rate ?? 0, find(round, other)?.rate ?? 0))
      .filter((value) => !Number.isNaN(value)),
  );

const summarizeCell = (rounds: readonly Round[], cell: Cell): Summary => {
  const measured = rounds.flatMap((round) => find(round, cell) ?? []);
  const medianOf = (value: (it: Measurement) => number): number => median(measured.map(value));
  const isBooking = cell.kind === 'bookings';
  return {
    cell,
    rate: medianOf(({ rate }) => rate),
    p50: medianOf(({ load }) => load.p50),
    p99: medianOf(({ load }) => load.p99),
    cpuMicros: medianOf(({ cpuMicros }) => cpuMicros),
    idleShare: medianOf(({ idleShare }) => idleShare),
    ratio:
      isBooking && cell.variant === 'batch' && !cell.keys
        ? ratioTo(rounds, cell, { ...cell, variant: 'control' })
        : Number.NaN,
    shareOfUnkeyed:
      isBooking && cell.keys ? ratioTo(rounds, cell, { ...cell, keys: false }) : Number.NaN,
    shareOfGeneral:
      isBooking && isSeated(cell.target)
        ? ratioTo(rounds, cell, { ...cell, target: 'hot' })
        : Number.NaN,
    problems: measured.flatMap(problemsOf),
  };
};

export const summarize = (rounds: readonly Round[]): Summary[] =>
  (rounds[0] ?? []).map(({ cell }) => summarizeCell(rounds, cell));
