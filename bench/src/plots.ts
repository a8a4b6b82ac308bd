import { parse, View } from 'vega';
import { compile, type TopLevelSpec } from 'vega-lite';

import { isSeated, reads as readNames } from './cells.ts';
import type { Summary } from './summary.ts';

const series = {
  domain: ['batch', 'batch, with keys', 'control'],
  range: ['#1f5fa8', '#8fb8e3', '#b4542b'],
};

const look = {
  background: 'white',
  font: 'Helvetica, Arial, sans-serif',
  view: { stroke: null },
  axis: {
    grid: true,
    gridColor: '#e6e6e6',
    domainColor: '#888',
    tickColor: '#888',
    labelFontSize: 12,
    titleFontSize: 12,
    titleFontWeight: 'normal',
  },
  header: { labelFontSize: 14, labelFontWeight: 'bold', title: null },
  legend: {
    orient: 'bottom',
    title: null,
    labelFontSize: 12,
    symbolType: 'square',
    labelLimit: 0,
    columns: 4,
  },
  title: { fontSize: 16, anchor: 'start', offset: 12, subtitleFontSize: 12, subtitleColor: '#555' },
} as const;

const schema = 'https://vega.github.io/schema/vega-lite/v6.json';

const bookingValues = (summaries: readonly Summary[]) =>
  summaries.flatMap(({ cell, rate, p99 }) =>
    // Numbered seats are compared with general admission in a table: their bars would need a control of their own.
    cell.kind !== 'bookings' || isSeated(cell.target) || rate === 0
      ? []
      : [
          {
            target: cell.target === 'hot' ? 'One hot screening' : '1,000 screenings',
            clients: cell.clients,
            variant: `${cell.variant}${cell.keys ? ', with keys' : ''}`,
            rate: Math.round(rate),
            p99,
          },
        ],
  );

const variant = { field: 'variant', type: 'nominal', scale: series } as const;
const dark = { value: '#333' } as const;
const clients = {
  field: 'clients',
  type: 'ordinal',
  title: 'clients',
  axis: { labelAngle: 0 },
} as const;
const byTarget = {
  field: 'target',
  type: 'nominal' as const,
  sort: ['One hot screening', '1,000 screenings'] as string[],
};

const bookings = (summaries: readonly Summary[]): TopLevelSpec => ({
  $schema: schema,
  title: {
    text: 'Bookings per second (responses with 201)',
    subtitle:
      'Control: one transaction of five statements per booking on the same stack. Higher is better.',
  },
  config: look,
  data: { values: bookingValues(summaries) },
  facet: { column: byTarget },
  spec: {
    width: 460,
    height: 280,
    layer: [
      { mark: 'bar' },
      {
        mark: { type: 'text', dy: -6, fontSize: 10 },
        encoding: {
          text: { field: 'rate', type: 'quantitative', format: '.3~s' },
          color: dark,
        },
      },
    ],
    encoding: {
      x: clients,
      xOffset: { field: 'variant', type: 'nominal', scale: { domain: series.domain } },
      y: { field: 'rate', type: 'quantitative', title: 'bookings/s', axis: { format: ',d' } },
      color: variant,
    },
  },
});

const latency = (summaries: readonly Summary[]): TopLevelSpec => ({
  $schema: schema,
  title: {
    text: '99th percentile of a booking’s latency, in milliseconds',
    subtitle: 'Logarithmic. Lower is better.',
  },
  config: { ...look, legend: { ...look.legend, symbolType: 'circle' } },
  data: { values: bookingValues(summaries) },
  facet: { column: byTarget },
  spec: {
    width: 380,
    height: 280,
    mark: { type: 'line', point: { filled: true, size: 60 } },
    encoding: {
      x: { ...clients, scale: { padding: 0.3 } },
      y: {
        field: 'p99',
        type: 'quantitative',
        title: 'p99 ms',
        scale: { type: 'log' },
        axis: { format: '~s', values: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000] },
      },
      color: variant,
    },
  },
});

const reads = (summaries: readonly Summary[]): TopLevelSpec => ({
  $schema: schema,
  title: { text: 'Reads per second', subtitle: '64 clients. Higher is better.' },
  config: look,
  data: {
    values: summaries.flatMap(({ cell, rate }) =>
      cell.kind === 'reads' ? [{ read: cell.read, rate: Math.round(rate) }] : [],
    ),
  },
  width: 560,
  height: { step: 26 },
  layer: [
    { mark: 'bar' },
    {
      mark: { type: 'text', align: 'left', dx: 4, fontSize: 11 },
      encoding: { text: { field: 'rate', type: 'quantitative', format: ',d' }, color: dark },
    },
  ],
  encoding: {
    y: {
      field: 'read',
      type: 'nominal',
      title: null,
      scale: { domain: [...readNames] },
      axis: { grid: false },
    },
    x: {
      field: 'rate',
      type: 'quantitative',
      title: 'requests/s',
      axis: { format: ',d', tickCount: 6 },
    },
    color: { value: '#1f5fa8' },
  },
});

export type Plot = { name: string; svg: string };

/** The plots as SVG text; rendered without a canvas or a browser. */
export const plot = (summaries: readonly Summary[]): Promise<Plot[]> =>
  Promise.all(
    Object.entries({ bookings, latency, reads }).map(async ([name, specOf]) => {
      const { spec } = compile(specOf(summaries));
      const view = new View(parse(spec), { renderer: 'none' });
      const svg = await view.toSVG();
      view.finalize();
      return { name, svg };
    }),
  );
