import { Gauge, Histogram, makeCounter, type Registry } from '@movie-ticketing/kit/metrics';

const buckets = [0.001, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

const makeSeconds = <L extends string>(
  registry: Registry,
  name: string,
  help: string,
  labelNames: readonly L[],
): Histogram<L> => new Histogram({ name, help, labelNames, buckets, registers: [registry] });

/** A gauge that is read when it is scraped: one value for each set of labels. */
export const makeGauge = <L extends string>(
  registry: Registry,
  metric: { name: string; help: string; labelNames: readonly L[] },
  read: () => Iterable<[labels: Record<L, string>, value: number]>,
): Gauge<L> =>
  new Gauge({
    ...metric,
    registers: [registry],
    collect() {
      for (const [labels, value] of read()) this.set(labels, value);
    },
  });

/** Metrics of a controller. Their names are those of controller-runtime, so that its dashboards work. */
export const makeControllerMetrics = (registry: Registry) => ({
  queueAdds: makeCounter(registry, 'workqueue_adds_total', 'Keys added', ['name']),
  queueRetries: makeCounter(registry, 'workqueue_retries_total', 'Keys to retry', ['name']),
  queueSeconds: makeSeconds(
    registry,
    'workqueue_queue_duration_seconds',
    'Time that a key waits for a worker',
    ['name'],
  ),
  workSeconds: makeSeconds(
    registry,
    'workqueue_work_duration_seconds',
    'Time that the work on a key takes',
    ['name'],
  ),
  reconciles: makeCounter(
    registry,
    'controller_runtime_reconcile_total',
    'Reconciles by result: success, requeue_after, retry, error',
    ['controller', 'result'],
  ),
  reconcileErrors: makeCounter(
    registry,
    'controller_runtime_reconcile_errors_total',
    'Failed reconciles',
    ['controller'],
  ),
  reconcileSeconds: makeSeconds(
    registry,
    'controller_runtime_reconcile_time_seconds',
    'Time that a reconcile takes',
    ['controller'],
  ),
  lists: makeCounter(registry, 'reflector_lists_total', 'Full lists', ['kind']),
});

export type ControllerMetrics = ReturnType<typeof makeControllerMetrics>;
