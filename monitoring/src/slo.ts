import { ofPods, type Alert, type Scene } from './alert.ts';

/**
 * Service level objectives over 30 days, with alerts on the rate at which their error budget is spent, over a long and
 * a short window each (Google's SRE workbook, chapter 5).
 */

type Objective = {
  /** In the names of its rules. */
  id: string;
  /** The share of requests that may be bad. */
  budget: number;
  /** Events a second, over a window. */
  total: (window: string) => string;
  bad: (window: string) => string;
};

const requests = (selector: string, window: string): string =>
  `sum by (${ofPods}) (rate(http_request_duration_seconds_count{${selector}}[${window}]))`;

const bookingRequests = 'route="/bookings",method="POST"';

export const objectives: readonly Objective[] = [
  {
    id: 'availability',
    budget: 0.001,
    total: (window) => requests('', window),
    // No bad request yet is no series: it counts as none.
    bad: (window) => `(${requests('status=~"5.."', window)} or ${requests('', window)} * 0)`,
  },
  {
    id: 'booking_latency',
    budget: 0.01,
    total: (window) => requests(bookingRequests, window),
    bad: (window) =>
      `(${requests(bookingRequests, window)} - sum by (${ofPods}) (rate(http_request_duration_seconds_bucket{${bookingRequests},le="1"}[${window}])))`,
  },
];

const windows = ['5m', '30m', '1h', '6h', '3d'] as const;
type Window = (typeof windows)[number];

const ratioName = ({ id }: Objective, window: Window): string =>
  `movie_ticketing:${id}_errors:ratio_rate${window}`;

export type RecordingRule = { record: string; expr: string };

export const ratioRules: readonly RecordingRule[] = objectives.flatMap((objective) =>
  windows.map((window) => ({
    record: ratioName(objective, window),
    expr: `${objective.bad(window)} / (${objective.total(window)} > 0)`,
  })),
);

/** Fewer requests a second say little: one failed request at night must wake nobody. */
const fewestPerSecond = 0.05;

const burn = (objective: Objective, factor: number, windowPair: [Window, Window]): string => {
  const [long, short] = windowPair;
  const limit = String(Number((factor * objective.budget).toPrecision(6)));
  return [
    `${ratioName(objective, long)} > ${limit}`,
    `and ${ratioName(objective, short)} > ${limit}`,
    `and ${objective.total(long)} > ${String(fewestPerSecond)}`,
  ].join('\n');
};

const series = (status: string, values: string): [string, string] => [
  `http_request_duration_seconds_count{namespace="cinema",resource="tickets",route="/bookings",method="POST",status="${status}"}`,
  values,
];
const fastOnes = (values: string): [string, string] => [
  'http_request_duration_seconds_bucket{namespace="cinema",resource="tickets",route="/bookings",method="POST",status="201",le="1"}',
  values,
];
const scene = (at: string, ...all: [string, string][]): Scene => ({
  at,
  series: Object.fromEntries(all),
});

const labels = { namespace: 'cinema', resource: 'tickets' };
const place = '{{ $labels.namespace }}/{{ $labels.resource }}';

const [availability, latency] = objectives as [Objective, Objective];

export const sloAlerts: readonly Alert[] = [
  {
    name: 'MovieTicketingErrorsFast',
    severity: 'critical',
    expr: `(${burn(availability, 14.4, ['1h', '5m'])})\nor\n(${burn(availability, 6, ['6h', '30m'])})`,
    for: '2m',
    summary: `Requests to ${place} fail.`,
    description:
      'More than 1.4 % of the requests of the last hour were answered with 5xx. At this rate the errors allowed in 30 days are used up within two days.',
    labels,
    fires: scene('2h', series('201', '0+600x130'), series('503', '0+60x130')),
    // One error in a thousand is what the objective allows.
    silent: scene('2h', series('201', '0+1000x130'), series('503', '0+1x130')),
  },
  {
    name: 'MovieTicketingErrorsSlow',
    severity: 'warning',
    expr: burn(availability, 1, ['3d', '6h']),
    for: '1h',
    summary: `A share of the requests to ${place} fails.`,
    description:
      'More than 0.1 % of the requests of the last three days were answered with 5xx: more than the objective allows.',
    labels,
    fires: {
      ...scene('80h', series('201', '0+15000x330'), series('503', '0+45x330')),
      interval: '15m',
    },
    silent: {
      ...scene('80h', series('201', '0+15000x330'), series('503', '0+0x330')),
      interval: '15m',
    },
  },
  {
    name: 'MovieTicketingBookingsSlow',
    severity: 'critical',
    expr: burn(latency, 14.4, ['1h', '5m']),
    for: '2m',
    summary: `Bookings in ${place} take longer than a second.`,
    description: 'More than 14 % of the bookings of the last hour took longer than a second.',
    labels,
    fires: scene('2h', series('201', '0+600x130'), fastOnes('0+300x130')),
    silent: scene('2h', series('201', '0+600x130'), fastOnes('0+600x130')),
  },
];
