import { expect, test } from '@jest/globals';

import { planCells, type Cell } from '../src/cells.ts';
import type { Measurement } from '../src/measure.ts';
import { plot } from '../src/plots.ts';
import { toText } from '../src/render.ts';
import { lineOf, toTables } from '../src/report.ts';
import { parseReport } from '../src/wrk.ts';

const measured = (cell: Cell, rate: number, rest: Partial<Measurement> = {}): Measurement => ({
  cell,
  rate,
  load: { seconds: 1, good: rate, others: {}, errors: 0, p50: 1.25, p99: 250 },
  cpuMicros: 50,
  ...rest,
});

const all = (): Measurement[] =>
  planCells({ clients: [16, 64], hasWrk: true }).map((cell) =>
    measured(cell, cell.variant === 'control' ? 1_000 : 12_500),
  );

test('when everything is measured, then each of ours stands beside its control with the ratio', () => {
  const [hot, spread, reads] = toTables(all());
  expect([hot?.rows.length, spread?.rows.length, reads?.rows.length]).toEqual([4, 4, 3]);
  expect(hot?.rows[0]).toEqual([
    '16',
    'no',
    '12,500',
    '1.3',
    '250',
    '1,000',
    '1.3',
    '250',
    '12.5x',
    '12,500',
    '1.3',
    '250',
    'exact, all 201',
  ]);
});

test('when an answer was not 201 or the seats are wrong, then the table says so', () => {
  const [first, second] = all();
  const [hot] = toTables([
    { ...first!, load: { ...first!.load, others: { 409: 3 } } },
    { ...second!, fault: 'the seats of 1 screenings do not add up' },
  ]);
  expect(hot?.rows[0]?.at(-1)).toBe(
    'batch autocannon: 3 of 409; control autocannon: the seats of 1 screenings do not add up',
  );
});

test('when nothing was answered in time, then the table and the plots leave it out', async () => {
  const [first] = all();
  const nothing = measured(first!.cell, 0, {
    load: { ...first!.load, good: 0, p50: Number.NaN, p99: Number.NaN },
    cpuMicros: Number.POSITIVE_INFINITY,
  });
  expect(toTables([nothing])[0]?.rows[0]?.slice(2, 5)).toEqual(['0', '-', '-']);
  expect(toTables([nothing])[0]?.rows[0]?.at(-1)).toMatch(/nothing answered in time/);
  expect(lineOf(nothing)).not.toContain('NaN');
  const [bookings] = await plot([nothing]);
  expect(bookings?.svg).not.toContain('NaN');
});

test('when wrk is not here, then its columns are empty and nothing fails', () => {
  const [hot] = toTables(
    planCells({ clients: [64], hasWrk: false }).map((cell) => measured(cell, 10)),
  );
  expect(hot?.rows[0]?.slice(9, 12)).toEqual(['-', '-', '-']);
  expect(toText(hot!)).toContain('clients  keys  ours/s');
});

test('when wrk reports, then refused answers are not counted as good', () => {
  const said =
    'Running 1s test\n{"microseconds": 2000000, "answers": 100, "refused": 10, "errors": 1, "p50": 1500, "p99": 9000}\n';
  expect(parseReport(said)).toEqual({
    seconds: 2,
    good: 90,
    others: { '4xx-5xx': 10 },
    errors: 1,
    p50: 1.5,
    p99: 9,
  });
});

test('when plots are made, then each is an SVG with its bars and no missing value', async () => {
  const plots = await plot(all());
  expect(plots.map(({ name }) => name)).toEqual(['bookings', 'latency', 'reads']);
  for (const { svg } of plots) {
    expect(svg).toMatch(/^<svg /);
    expect(svg).not.toContain('NaN');
  }
});
