import type { Cell, ReadCell, Target } from './cells.ts';
import type { Measurement } from './measure.ts';
import { ratio } from './statistics.ts';

export type BenchReport = {
  takenAt: string;
  commit: string;
  machine: string;
  node: string;
  database: string;
  /** Of the whole machine before the first load: above 0.3 or so others were at work. */
  loadAverage: number;
  secondsPerCell: number;
  measurements: readonly Measurement[];
};

export type Table = { title: string; header: readonly string[]; rows: readonly string[][] };

const targets: Readonly<Record<Target, string>> = {
  hot: 'one hot screening',
  spread: '1,000 screenings',
};

const count = (value: number): string =>
  Number.isFinite(value) ? Math.round(value).toLocaleString('en-US') : '-';
const ms = (value: number): string => (value < 100 ? value.toFixed(1) : count(value));
const times = (value: number): string => (Number.isNaN(value) ? '-' : `${value.toFixed(1)}x`);

const find = (
  measurements: readonly Measurement[],
  wanted: Partial<Record<string, unknown>>,
): Measurement | undefined =>
  measurements.find(({ cell }) =>
    Object.entries(wanted).every(([key, value]) => cell[key as keyof Cell] === value),
  );

const figures = (it: Measurement | undefined): string[] =>
  it === undefined ? ['-', '-', '-'] : [count(it.rate), ms(it.load.p50), ms(it.load.p99)];

const troubleOf = ({ load, fault }: Measurement): string[] => [
  ...(fault === undefined ? [] : [fault]),
  ...(load.good === 0 ? ['nothing answered in time'] : []),
  ...Object.entries(load.others).map(([status, number]) => `${count(number)} of ${status}`),
  ...(load.errors === 0 ? [] : [`${count(load.errors)} errors`]),
];

const verdict = (parts: readonly (Measurement | undefined)[]): string => {
  const trouble = parts.flatMap((it) =>
    it === undefined
      ? []
      : troubleOf(it).map((what) => `${it.cell.variant} ${it.cell.tool}: ${what}`),
  );
  return trouble.length === 0 ? 'exact, all 201' : trouble.join('; ');
};

const bookingRows = (measurements: readonly Measurement[], target: Target): string[][] => {
  const ours = measurements.flatMap(({ cell }) =>
    cell.kind === 'bookings' && cell.target === target ? [cell] : [],
  );
  const groups = new Map(ours.map((it) => [`${String(it.clients)} ${String(it.keys)}`, it]));
  return [...groups.values()].map(({ clients, keys }) => {
    const group = { kind: 'bookings', target, clients, keys };
    const batch = find(measurements, { ...group, variant: 'batch', tool: 'autocannon' });
    const control = find(measurements, { ...group, variant: 'control', tool: 'autocannon' });
    const wrk = find(measurements, { ...group, variant: 'batch', tool: 'wrk' });
    return [
      String(clients),
      keys ? 'yes' : 'no',
      ...figures(batch),
      ...figures(control),
      times(ratio(batch?.rate ?? Number.NaN, control?.rate ?? Number.NaN)),
      ...figures(wrk),
      verdict([batch, control, wrk]),
    ];
  });
};

const readRows = (measurements: readonly Measurement[]): string[][] => {
  const reads = measurements.flatMap(({ cell }) => (cell.kind === 'reads' ? [cell] : []));
  const byRead = new Map<ReadCell['read'], ReadCell>(reads.map((it) => [it.read, it]));
  return [...byRead.values()].map(({ read, clients }) => {
    const autocannon = find(measurements, { kind: 'reads', read, tool: 'autocannon' });
    const wrk = find(measurements, { kind: 'reads', read, tool: 'wrk' });
    const trouble = [autocannon, wrk].flatMap((it) => (it === undefined ? [] : troubleOf(it)));
    return [
      read,
      String(clients),
      ...figures(autocannon),
      ...figures(wrk),
      trouble.length === 0 ? 'all 200' : trouble.join('; '),
    ];
  });
};

export const toTables = (measurements: readonly Measurement[]): Table[] => {
  const bookings = (['hot', 'spread'] as const).map((target) => ({
    title: `Bookings a second, ${targets[target]}`,
    header: [
      'clients',
      'keys',
      'ours/s',
      'p50 ms',
      'p99 ms',
      'control/s',
      'p50 ms',
      'p99 ms',
      'ratio',
      'ours/s (wrk)',
      'p50 ms',
      'p99 ms',
      'seats',
    ],
    rows: bookingRows(measurements, target),
  }));
  const reads = {
    title: 'Reads a second',
    header: [
      'request',
      'clients',
      'autocannon/s',
      'p50 ms',
      'p99 ms',
      'wrk/s',
      'p50 ms',
      'p99 ms',
      'answers',
    ],
    rows: readRows(measurements),
  };
  return [...bookings, reads].filter(({ rows }) => rows.length > 0);
};

/** One line for the terminal once a cell was measured. */
export const lineOf = (it: Measurement): string => {
  const trouble = troubleOf(it);
  return `${count(it.rate).padStart(7)}/s   p50 ${ms(it.load.p50).padStart(6)} ms   p99 ${ms(it.load.p99).padStart(6)} ms   ${count(it.cpuMicros).padStart(5)} us CPU${trouble.length === 0 ? '' : `   ! ${trouble.join('; ')}`}`;
};
