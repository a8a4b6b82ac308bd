import { isSeated, type BookingCell } from './cells.ts';
import type { Measurement } from './measure.ts';
import { problemsOf, type Round, type Summary } from './summary.ts';

export type BenchReport = {
  takenAt: string;
  commit: string;
  machine: string;
  node: string;
  database: string;
  /** Of the machine before the first round. Far above zero: other work disturbed the run. */
  loadAverage: number;
  secondsPerCell: number;
  rounds: readonly Round[];
};

export type Table = { title: string; header: readonly string[]; rows: readonly string[][] };

const titles = {
  hot: 'One hot screening',
  spread: '1,000 screenings',
} as const;

const seatTargets = {
  chosen: 'a chosen seat',
  best: 'the best available seat',
} as const;

const count = (value: number): string =>
  Number.isFinite(value) ? Math.round(value).toLocaleString('en-US') : '-';
const ms = (value: number): string => (value < 100 ? value.toFixed(1) : count(value));
const percent = (value: number): string =>
  Number.isFinite(value) ? `${String(Math.round(value * 100))} %` : '-';
const times = (value: number): string => (Number.isFinite(value) ? `${value.toFixed(1)}x` : '-');

const bookingRow = (cells: readonly Summary[], clients: number): string[] => {
  const find = (wanted: Partial<BookingCell>): Summary | undefined =>
    cells.find(({ cell }) =>
      Object.entries({ clients, keys: false, ...wanted }).every(
        ([name, value]) => cell[name as keyof typeof cell] === value,
      ),
    );
  const [batch, control] = [find({ variant: 'batch' }), find({ variant: 'control' })];
  const keyed = find({ variant: 'batch', keys: true });
  const problems = [batch, control, keyed].flatMap((it) => it?.problems ?? []);
  return [
    String(clients),
    count(batch?.rate ?? Number.NaN),
    count(control?.rate ?? Number.NaN),
    times(batch?.ratio ?? Number.NaN),
    ms(batch?.p50 ?? Number.NaN),
    ms(batch?.p99 ?? Number.NaN),
    count(batch?.cpuMicros ?? Number.NaN),
    percent(batch?.idleShare ?? Number.NaN),
    count(keyed?.rate ?? Number.NaN),
    percent(keyed?.shareOfUnkeyed ?? Number.NaN),
    problems.length === 0 ? 'exact, all 201' : problems.join('; '),
  ];
};

const bookingTable = (summaries: readonly Summary[], target: keyof typeof titles): Table => {
  const cells = summaries.filter(({ cell }) => cell.kind === 'bookings' && cell.target === target);
  const clients = new Set(cells.map(({ cell }) => cell.clients));
  return {
    title: titles[target],
    header: [
      'clients',
      'bookings/s',
      'control/s',
      'ratio',
      'p50 ms',
      'p99 ms',
      'server CPU us',
      'idle',
      'with key/s',
      'of without',
      'seats',
    ],
    rows: [...clients].map((it) => bookingRow(cells, it)),
  };
};

const seatTable = (summaries: readonly Summary[]): Table => ({
  title: 'One hot screening of 2,000 numbered seats, one after the other',
  header: ['booking', 'clients', 'bookings/s', 'of general admission', 'p50 ms', 'p99 ms', 'seats'],
  rows: summaries.flatMap(({ cell, problems, ...it }) =>
    cell.kind !== 'bookings' || !isSeated(cell.target)
      ? []
      : [
          [
            seatTargets[cell.target as keyof typeof seatTargets],
            String(cell.clients),
            count(it.rate),
            percent(it.shareOfGeneral),
            ms(it.p50),
            ms(it.p99),
            problems.length === 0 ? 'exact, all 201' : problems.join('; '),
          ],
        ],
  ),
});

const readTable = (summaries: readonly Summary[]): Table => ({
  title: 'Reads, 64 clients',
  header: ['request', 'reads/s', 'p50 ms', 'p99 ms', 'server CPU us', 'idle', 'responses'],
  rows: summaries.flatMap(({ cell, problems, ...it }) =>
    cell.kind !== 'reads'
      ? []
      : [
          [
            cell.read,
            count(it.rate),
            ms(it.p50),
            ms(it.p99),
            count(it.cpuMicros),
            percent(it.idleShare),
            problems.length === 0 ? 'all 200' : problems.join('; '),
          ],
        ],
  ),
});

export const toTables = (summaries: readonly Summary[]): Table[] =>
  [
    bookingTable(summaries, 'hot'),
    seatTable(summaries),
    bookingTable(summaries, 'spread'),
    readTable(summaries),
  ].filter(({ rows }) => rows.length > 0);

/** One line for the terminal after a cell was measured. */
export const lineOf = (it: Measurement): string => {
  const problems = problemsOf(it);
  return [
    `${count(it.rate).padStart(7)}/s`,
    `p50 ${ms(it.load.p50).padStart(6)} ms`,
    `p99 ${ms(it.load.p99).padStart(6)} ms`,
    `${count(it.cpuMicros).padStart(5)} us CPU`,
    `${percent(it.idleShare).padStart(5)} idle`,
    ...problems.map((problem) => `! ${problem}`),
  ].join('   ');
};
