import { Gauge, Histogram, makeCounter, type Registry } from '@movie-ticketing/kit/metrics';

/** controller-runtime's names, so that its dashboards and alerts fit. */
export type QueueMetrics = {
  added(): void;
  retried(): void;
  started(waitedMs: number): void;
  finished(tookMs: number): void;
};

const workSeconds = [0.001, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

const labelledHistogram = <L extends string>(
  registry: Registry,
  name: string,
  help: string,
  labelNames: readonly L[],
): Histogram<L> =>
  new Histogram({ name, help, labelNames, buckets: workSeconds, registers: [registry] });

export const makeQueueMetrics = (
  registry: Registry,
  name: string,
  state: () => { depth: number; oldestRunMs: number },
): QueueMetrics => {
  const labels = ['name'] as const;
  observeQueue(registry, name, state);
  const adds = makeCounter(registry, 'workqueue_adds_total', 'Keys added', labels);
  const retries = makeCounter(registry, 'workqueue_retries_total', 'Keys to try again', labels);
  const waits = labelledHistogram(
    registry,
    'workqueue_queue_duration_seconds',
    'How long a key waits for a worker',
    labels,
  );
  const works = labelledHistogram(
    registry,
    'workqueue_work_duration_seconds',
    'How long the work on a key takes',
    labels,
  );
  return {
    added: () => {
      adds.inc({ name });
    },
    retried: () => {
      retries.inc({ name });
    },
    started: (ms) => {
      waits.observe({ name }, ms / 1_000);
    },
    finished: (ms) => {
      works.observe({ name }, ms / 1_000);
    },
  };
};

const observeQueue = (
  registry: Registry,
  name: string,
  state: () => { depth: number; oldestRunMs: number },
): void => {
  const gauge = (metric: string, help: string, read: () => number): Gauge<'name'> =>
    new Gauge({
      name: metric,
      help,
      labelNames: ['name'] as const,
      registers: [registry],
      collect() {
        this.set({ name }, read());
      },
    });
  gauge('workqueue_depth', 'Keys that wait', () => state().depth);
  gauge(
    'workqueue_longest_running_processor_seconds',
    'How long the longest work has been running',
    () => state().oldestRunMs / 1_000,
  );
};

export type ReconcileResult = 'success' | 'requeue_after' | 'error';

export type ReconcileMetrics = { done(result: ReconcileResult, tookMs: number): void };

export const makeReconcileMetrics = (registry: Registry, controller: string): ReconcileMetrics => {
  const total = makeCounter(
    registry,
    'controller_runtime_reconcile_total',
    'Reconciles by their result',
    ['controller', 'result'],
  );
  const errors = makeCounter(
    registry,
    'controller_runtime_reconcile_errors_total',
    'Reconciles that failed',
    ['controller'],
  );
  errors.inc({ controller }, 0);
  const time = labelledHistogram(
    registry,
    'controller_runtime_reconcile_time_seconds',
    'How long a reconcile takes',
    ['controller'] as const,
  );
  return {
    done: (result, tookMs) => {
      total.inc({ controller, result });
      if (result === 'error') errors.inc({ controller });
      time.observe({ controller }, tookMs / 1_000);
    },
  };
};
