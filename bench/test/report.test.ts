import { expect, test } from '@jest/globals';

import { planCells, type Cell } from '../src/cells.ts';
import type { Measurement } from '../src/measure.ts';
import { plot } from '../src/plots.ts';
import { toText } from '../src/render.ts';
import { lineOf, toTables } from '../src/report.ts';
import { summarize, type Round } from '../src/summary.ts';

const measured = (cell: Cell, rate: number, rest: Partial<Measurement> = {}): Measurement => ({
  cell,
  rate,
  load: { seconds: 1, good: rate, others: {}, errors: 0, p50: 1.25, p99: 250, generatorMicros: 9 },
  cpuMicros: 50,
  idleShare: 0.125,
  ...rest,
});

const rateOf = (cell: Cell): number => {
  if (cell.variant === 'control') return 1_000;
  return cell.kind === 'bookings' && cell.keys ? 10_000 : 12_500;
};

/** A round in which the whole machine is slower by a factor. */
const roundAt = (speed: number): Round =>
  planCells({ clients: [16, 64] }).map((cell) => measured(cell, rateOf(cell) * speed));

test('a row has the median rate, the ratio to the control and the share with keys', () => {
  const tables = toTables(summarize([roundAt(0.1), roundAt(1), roundAt(2)]));
  expect(tables.map(({ rows }) => rows.length)).toEqual([2, 2, 2, 4]);
  const [hot, seats] = tables;
  expect(seats?.rows[0]?.slice(0, 4)).toEqual(['a chosen seat', '64', '12,500', '100 %']);
  expect(hot?.rows[0]).toEqual([
    '16',
    '12,500',
    '1,000',
    '12.5x',
    '1.3',
    '250',
    '50',
    '13 %',
    '10,000',
    '80 %',
    'exact, all 201',
  ]);
  expect(toText(hot!)).toContain('clients  bookings/s  control/s');
});

test('ratios are taken within a round: a slow round does not change them', () => {
  const slowControlOnly = roundAt(1).map((it) =>
    it.cell.variant === 'control' ? { ...it, rate: it.rate * 0.5 } : it,
  );
  const [first] = summarize([roundAt(0.1), roundAt(1), slowControlOnly]).filter(
    ({ ratio }) => !Number.isNaN(ratio),
  );
  expect(first?.ratio).toBe(12.5);
});

test('a row names responses other than 201, connection errors and wrong seats of every round', () => {
  const [control, batch, ...rest] = roundAt(1);
  const failed: Round = [
    { ...control!, load: { ...control!.load, others: { 409: 3 }, errors: 2 } },
    { ...batch!, fault: 'the seats of 1 screenings do not add up' },
    ...rest,
  ];
  const [hot] = toTables(summarize([roundAt(1), failed]));
  expect(hot?.rows[0]?.at(-1)).toBe(
    'the seats of 1 screenings do not add up; 3 responses with 409; 2 connection errors',
  );
});

test('a cell without responses is shown as missing, in the table and the plot of rates', async () => {
  const nothing = roundAt(1).map((it) => ({
    ...it,
    rate: 0,
    load: { ...it.load, good: 0, p50: Number.NaN, p99: Number.NaN },
    cpuMicros: Number.POSITIVE_INFINITY,
  }));
  const summaries = summarize([nothing]);
  const [hot] = toTables(summaries);
  expect(hot?.rows[0]?.slice(1, 6)).toEqual(['0', '0', '-', '-', '-']);
  expect(hot?.rows[0]?.at(-1)).toMatch(/no response in time/);
  expect(lineOf(nothing[0]!)).not.toContain('NaN');
  const [bookings] = await plot(summaries);
  expect(bookings?.svg).not.toContain('NaN');
});

test('each plot is an SVG with its bars and no missing value', async () => {
  const plots = await plot(summarize([roundAt(1)]));
  expect(plots.map(({ name }) => name)).toEqual(['bookings', 'latency', 'reads']);
  for (const { svg } of plots) {
    expect(svg).toMatch(/^<svg /);
    expect(svg).not.toContain('NaN');
  }
});
