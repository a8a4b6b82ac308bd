import { parse, View } from 'vega';
import { compile, type TopLevelSpec } from 'vega-lite';

import { reads as readNames } from './cells.ts';
import type { Measurement } from './measure.ts';

const series = {
  domain: ['ours', 'ours, with keys', 'control', 'control, with keys'],
  range: ['#1f5fa8', '#8fb8e3', '#b4542b', '#e8b79c'],
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

/** Only what autocannon measured: the control is measured with nothing else. */
const bookingValues = (measurements: readonly Measurement[]) =>
  measurements.flatMap(({ cell, rate, load }) =>
    cell.kind !== 'bookings' || cell.tool !== 'autocannon' || load.good === 0
      ? []
      : [
          {
            target: cell.target === 'hot' ? 'One hot screening' : '1,000 screenings',
            clients: cell.clients,
            who: `${cell.variant === 'batch' ? 'ours' : 'control'}${cell.keys ? ', with keys' : ''}`,
            rate: Math.round(rate),
            p99: load.p99,
          },
        ],
  );

const who = { field: 'who', type: 'nominal', scale: series } as const;
const tools = ['autocannon', 'wrk'];
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

const bookings = (measurements: readonly Measurement[]): TopLevelSpec => ({
  $schema: schema,
  title: {
    text: 'Bookings answered with 201, a second',
    subtitle:
      'Control: one transaction of five statements a booking, on the same stack. Higher is better.',
  },
  config: look,
  data: { values: bookingValues(measurements) },
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
      xOffset: { field: 'who', type: 'nominal', scale: { domain: series.domain } },
      y: { field: 'rate', type: 'quantitative', title: 'bookings/s', axis: { format: ',d' } },
      color: who,
    },
  },
});

const latency = (measurements: readonly Measurement[]): TopLevelSpec => ({
  $schema: schema,
  title: {
    text: '99th percentile of a booking, in milliseconds',
    subtitle: 'Logarithmic. Lower is better.',
  },
  config: { ...look, legend: { ...look.legend, symbolType: 'circle' } },
  data: { values: bookingValues(measurements) },
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
      color: who,
    },
  },
});

const reads = (measurements: readonly Measurement[]): TopLevelSpec => ({
  $schema: schema,
  title: { text: 'Reads a second', subtitle: '64 clients. Higher is better.' },
  config: look,
  data: {
    values: measurements.flatMap(({ cell, rate }) =>
      cell.kind === 'reads' ? [{ read: cell.read, tool: cell.tool, rate: Math.round(rate) }] : [],
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
    yOffset: { field: 'tool', type: 'nominal', scale: { domain: tools } },
    x: {
      field: 'rate',
      type: 'quantitative',
      title: 'requests/s',
      axis: { format: ',d', tickCount: 6 },
    },
    color: {
      field: 'tool',
      type: 'nominal',
      scale: { domain: tools, range: ['#1f5fa8', '#8fb8e3'] },
    },
  },
});

export type Plot = { name: string; svg: string };

/** The plots as SVG text; made with no canvas and no browser. */
export const plot = (measurements: readonly Measurement[]): Promise<Plot[]> =>
  Promise.all(
    Object.entries({ bookings, latency, reads }).map(async ([name, specOf]) => {
      const { spec } = compile(specOf(measurements));
      const view = new View(parse(spec), { renderer: 'none' });
      const svg = await view.toSVG();
      view.finalize();
      return { name, svg };
    }),
  );
