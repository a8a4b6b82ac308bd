import {
  DashboardBuilder,
  DatasourceVariableBuilder,
  QueryVariableBuilder,
  RowBuilder,
  VariableRefresh,
  VariableSort,
} from '@grafana/grafana-foundation-sdk/dashboard';
import { DataqueryBuilder } from '@grafana/grafana-foundation-sdk/prometheus';
import { PanelBuilder as StatBuilder } from '@grafana/grafana-foundation-sdk/stat';
import { PanelBuilder as TimeseriesBuilder } from '@grafana/grafana-foundation-sdk/timeseries';

/** A panel: its title, its unit as Grafana names it, and queries with the legend of their lines. */
type Panel = {
  title: string;
  unit: string;
  queries: [expr: string, legend: string][];
  /** A number in place of a graph. */
  stat?: true;
};

const pods = 'namespace="$namespace",resource="$resource"';
const ofOperator = 'resource_namespace="$namespace",resource="$resource"';

const requests = (more = ''): string =>
  `http_request_duration_seconds_count{${pods}${more}}[$__rate_interval]`;

const percentile = (quantile: number, more = ''): string =>
  `histogram_quantile(${String(quantile)}, sum by (le) (rate(http_request_duration_seconds_bucket{${pods}${more}}[$__rate_interval])))`;

const bookings = ',route="/bookings",method="POST"';

/** From top to bottom; a row is a question. */
export const rows: readonly { title: string; panels: readonly Panel[] }[] = [
  {
    title: 'Can tickets be booked?',
    panels: [
      {
        title: 'Available',
        unit: 'bool_yes_no',
        stat: true,
        queries: [
          [
            `max(movie_ticketing_condition{${ofOperator},type="Available",status="True"}) or vector(0)`,
            '',
          ],
        ],
      },
      {
        title: 'Requests answered without 5xx',
        unit: 'percentunit',
        stat: true,
        queries: [[`1 - movie_ticketing:availability_errors:ratio_rate1h{${pods}}`, '']],
      },
      {
        title: 'Bookings within a second',
        unit: 'percentunit',
        stat: true,
        queries: [[`1 - movie_ticketing:booking_latency_errors:ratio_rate1h{${pods}}`, '']],
      },
      {
        title: 'Conditions that are True',
        unit: 'short',
        queries: [
          [`sum by (type) (movie_ticketing_condition{${ofOperator},status="True"})`, '{{type}}'],
        ],
      },
    ],
  },
  {
    title: 'What do clients ask for?',
    panels: [
      {
        title: 'Requests by service',
        unit: 'reqps',
        queries: [[`sum by (service) (rate(${requests()}))`, '{{service}}']],
      },
      {
        title: 'Requests by status',
        unit: 'reqps',
        queries: [[`sum by (status) (rate(${requests()}))`, '{{status}}']],
      },
      {
        title: 'Bookings by outcome',
        unit: 'reqps',
        queries: [
          [`sum by (outcome) (rate(bookings_total{${pods}}[$__rate_interval]))`, '{{outcome}}'],
        ],
      },
      {
        title: 'Payments by outcome',
        unit: 'reqps',
        queries: [
          [`sum by (outcome) (rate(payments_total{${pods}}[$__rate_interval]))`, '{{outcome}}'],
        ],
      },
    ],
  },
  {
    title: 'How long does it take?',
    panels: [
      {
        title: 'Bookings',
        unit: 's',
        queries: [
          [percentile(0.5, bookings), 'median'],
          [percentile(0.99, bookings), '99th percentile'],
        ],
      },
      {
        title: 'All requests',
        unit: 's',
        queries: [
          [percentile(0.5), 'median'],
          [percentile(0.99), '99th percentile'],
        ],
      },
      {
        title: 'Bookings that share a transaction',
        unit: 'short',
        queries: [
          [
            `histogram_quantile(0.9, sum by (le) (rate(booking_batch_size_bucket{${pods}}[$__rate_interval])))`,
            '90th percentile',
          ],
        ],
      },
      {
        title: 'Bookings in the queue',
        unit: 'short',
        queries: [[`sum by (pod) (booking_queue_depth{${pods}})`, '{{pod}}']],
      },
    ],
  },
  {
    title: 'What is full?',
    panels: [
      {
        title: 'Processor',
        unit: 'short',
        queries: [
          [`sum by (pod) (rate(process_cpu_seconds_total{${pods}}[$__rate_interval]))`, '{{pod}}'],
        ],
      },
      {
        title: 'Memory',
        unit: 'bytes',
        queries: [[`sum by (pod) (process_resident_memory_bytes{${pods}})`, '{{pod}}']],
      },
      {
        title: 'Delay of the event loop, 99th percentile',
        unit: 's',
        queries: [[`max by (pod) (nodejs_eventloop_lag_p99_seconds{${pods}})`, '{{pod}}']],
      },
      {
        title: 'Connections to PostgreSQL',
        unit: 'short',
        queries: [
          [`sum by (pool, state) (database_pool_connections{${pods}})`, '{{pool}} {{state}}'],
          [`max(movie_ticketing_database_connections_available{${ofOperator}})`, 'available'],
        ],
      },
    ],
  },
  {
    title: 'Does the rest work?',
    panels: [
      {
        title: 'Time since a worker succeeded',
        unit: 's',
        queries: [
          [
            `time() - max by (worker) (worker_last_success_timestamp_seconds{${pods}})`,
            '{{worker}}',
          ],
        ],
      },
      {
        title: 'Age of the last backup',
        unit: 's',
        queries: [
          [
            `time() - max(movie_ticketing_backup_recovery_point_timestamp_seconds{${ofOperator}})`,
            'last backup',
          ],
          [
            `time() - max(movie_ticketing_backup_last_verified_timestamp_seconds{${ofOperator}})`,
            'last verification',
          ],
        ],
      },
      {
        title: 'Reconciles of the operator',
        unit: 'ops',
        queries: [
          [
            'sum by (result) (rate(controller_runtime_reconcile_total{controller="movieticketing"}[$__rate_interval]))',
            '{{result}}',
          ],
        ],
      },
      {
        title: 'Objects that the operator has to look at',
        unit: 'short',
        queries: [['sum(workqueue_depth{name="movieticketing"})', 'waiting']],
      },
    ],
  },
];

const width = 6;
const height = 7;
const source = { type: 'prometheus', uid: '${datasource}' };

const targetsOf = ({ queries }: Panel) =>
  queries.map(([expr, legend]) => new DataqueryBuilder().expr(expr).legendFormat(legend));

const panelOf = (panel: Panel) => {
  const builder = panel.stat === true ? new StatBuilder() : new TimeseriesBuilder();
  builder
    .title(panel.title)
    .unit(panel.unit)
    .datasource(source)
    .gridPos({ x: 0, y: 0, w: width, h: height });
  for (const target of targetsOf(panel)) builder.withTarget(target);
  return builder;
};

const variable = (name: string, label: string): QueryVariableBuilder =>
  new QueryVariableBuilder(name)
    .datasource(source)
    .query(`label_values(movie_ticketing_condition, ${label})`)
    .refresh(VariableRefresh.OnTimeRangeChanged)
    .sort(VariableSort.AlphabeticalAsc);

/** The dashboard of one custom resource, as JSON for Grafana. */
export const dashboardJson = (): string => {
  // Every Grafana in use reads this form; the newer one only the latest do.
  // eslint-disable-next-line @typescript-eslint/no-deprecated
  const dashboard = new DashboardBuilder('Movie Ticketing')
    .uid('movie-ticketing')
    .tags(['movie-ticketing'])
    .refresh('30s')
    .time({ from: 'now-1h', to: 'now' })
    .timezone('browser')
    .withVariable(new DatasourceVariableBuilder('datasource').type('prometheus'))
    .withVariable(variable('namespace', 'resource_namespace'))
    .withVariable(variable('resource', 'resource'));
  for (const row of rows) {
    dashboard.withRow(new RowBuilder(row.title));
    for (const panel of row.panels) dashboard.withPanel(panelOf(panel));
  }
  return `${JSON.stringify(dashboard.build(), null, 2)}\n`;
};
