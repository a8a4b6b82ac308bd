import { ofPods, type Alert } from './alert.ts';

const pods = { namespace: 'cinema', resource: 'tickets' };
const podPlace = '{{ $labels.namespace }}/{{ $labels.resource }}';

const pod = (metric: string, more = ''): string =>
  `${metric}{namespace="cinema",resource="tickets",pod="tickets-bookings-1"${more}}`;

/** Of the services' pods. */
export const serviceAlerts: readonly Alert[] = [
  {
    name: 'MovieTicketingPodUnreachable',
    severity: 'warning',
    expr: `count by (${ofPods}) (up{resource!=""} == 0) > 0`,
    for: '10m',
    summary: `Prometheus cannot read the metrics of pods of ${podPlace}.`,
    description:
      'A pod does not answer at port 9090, or spec.monitoring.allowFrom does not name the namespace of Prometheus.',
    labels: pods,
    fires: { at: '20m', series: { [pod('up')]: '0x30' } },
    silent: { at: '20m', series: { [pod('up')]: '1x30' } },
  },
  {
    name: 'MovieTicketingPoolExhausted',
    severity: 'warning',
    expr: `max by (${ofPods}, pool) (database_pool_connections{state="waiting"}) > 0`,
    for: '5m',
    summary: `Requests of ${podPlace} wait for a connection to PostgreSQL.`,
    description:
      'Every connection of the pool {{ $labels.pool }} has been in use for five minutes.',
    labels: { ...pods, pool: 'bookings' },
    fires: {
      at: '10m',
      series: { [pod('database_pool_connections', ',pool="bookings",state="waiting"')]: '3x20' },
    },
    silent: {
      at: '10m',
      series: {
        [pod('database_pool_connections', ',pool="bookings",state="waiting"')]: '0 3 0x20',
      },
    },
  },
  {
    name: 'MovieTicketingBookingQueueLong',
    severity: 'warning',
    expr: `max by (${ofPods}) (booking_queue_depth) > 300`,
    for: '5m',
    summary: `Bookings of ${podPlace} wait in a long queue.`,
    description:
      'More bookings arrive than PostgreSQL commits. Above BOOKING_QUEUE_LIMIT they are answered with 503.',
    labels: pods,
    fires: { at: '10m', series: { [pod('booking_queue_depth')]: '400x20' } },
    silent: { at: '10m', series: { [pod('booking_queue_depth')]: '40x20' } },
  },
  {
    name: 'MovieTicketingPaymentsInDoubt',
    severity: 'warning',
    expr: `sum by (${ofPods}) (rate(payments_total{outcome="in_doubt"}[10m]))\n/ sum by (${ofPods}) (rate(payments_total[10m])) > 0.1`,
    for: '10m',
    summary: `The payment provider of ${podPlace} does not answer in time.`,
    description:
      'The outcome of more than a tenth of the payments is in doubt. A worker settles them once the provider answers.',
    labels: pods,
    fires: {
      at: '40m',
      series: {
        [pod('payments_total', ',outcome="in_doubt"')]: '0+10x60',
        [pod('payments_total', ',outcome="approved"')]: '0+20x60',
      },
    },
    silent: {
      at: '40m',
      series: {
        [pod('payments_total', ',outcome="in_doubt"')]: '0+1x60',
        [pod('payments_total', ',outcome="approved"')]: '0+100x60',
      },
    },
  },
  {
    name: 'MovieTicketingWorkerStalled',
    severity: 'warning',
    // Each pod has the worker: one that works is enough.
    expr: `time() - max by (${ofPods}, worker) (worker_last_success_timestamp_seconds)\n> 300 + 3 * max by (${ofPods}, worker) (worker_interval_seconds)`,
    for: '5m',
    summary: `The background worker {{ $labels.worker }} of ${podPlace} does not succeed.`,
    description: 'Expired holds, refunds or cleaning wait. The log of the pods has the error.',
    labels: { ...pods, worker: 'bookings_expire_holds' },
    fires: {
      at: '20m',
      series: {
        [pod('worker_last_success_timestamp_seconds', ',worker="bookings_expire_holds"')]: '60x30',
        [pod('worker_interval_seconds', ',worker="bookings_expire_holds"')]: '1x30',
      },
    },
    silent: {
      at: '20m',
      series: {
        [pod('worker_last_success_timestamp_seconds', ',worker="bookings_expire_holds"')]:
          '0+60x30',
        [pod('worker_interval_seconds', ',worker="bookings_expire_holds"')]: '1x30',
      },
    },
  },
  {
    name: 'MovieTicketingEventLoopSlow',
    severity: 'warning',
    expr: `max by (${ofPods}, pod) (nodejs_eventloop_lag_p99_seconds{resource!=""}) > 0.2`,
    for: '10m',
    summary: `The pod {{ $labels.pod }} of ${podPlace} is overloaded.`,
    description:
      'Its event loop is 0.2 seconds late. More pods, or a higher limit of the processor, help.',
    labels: { ...pods, pod: 'tickets-bookings-1' },
    fires: { at: '20m', series: { [pod('nodejs_eventloop_lag_p99_seconds')]: '0.5x30' } },
    silent: { at: '20m', series: { [pod('nodejs_eventloop_lag_p99_seconds')]: '0.02x30' } },
  },
  {
    name: 'MovieTicketingVolumeFull',
    severity: 'critical',
    expr: 'kubelet_volume_stats_available_bytes{persistentvolumeclaim=~".+-(postgres|cluster-[0-9]+)"}\n/ kubelet_volume_stats_capacity_bytes{persistentvolumeclaim=~".+-(postgres|cluster-[0-9]+)"} < 0.15',
    for: '10m',
    summary:
      'The volume {{ $labels.namespace }}/{{ $labels.persistentvolumeclaim }} of the database is almost full.',
    description: 'Less than 15 % is free. PostgreSQL stops when nothing is.',
    labels: { namespace: 'cinema', persistentvolumeclaim: 'tickets-postgres' },
    fires: {
      at: '20m',
      series: {
        'kubelet_volume_stats_available_bytes{namespace="cinema",persistentvolumeclaim="tickets-postgres"}':
          '10x30',
        'kubelet_volume_stats_capacity_bytes{namespace="cinema",persistentvolumeclaim="tickets-postgres"}':
          '100x30',
      },
    },
    silent: {
      at: '20m',
      series: {
        'kubelet_volume_stats_available_bytes{namespace="cinema",persistentvolumeclaim="another"}':
          '10x30',
        'kubelet_volume_stats_capacity_bytes{namespace="cinema",persistentvolumeclaim="another"}':
          '100x30',
      },
    },
  },
];
