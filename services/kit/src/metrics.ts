import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';

// prom-client is in maintenance: this module alone imports it.
export { Counter, Gauge, Histogram, Registry } from 'prom-client';

const seconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

export type HttpMetrics = {
  /** The labels are the route's pattern, the method and the status: their number is bounded. */
  observe: (route: string, method: string, status: number, durationMs: number) => void;
};

/** A process's registry with Node's own metrics (event-loop lag, heap, GC). */
export const makeRegistry = (service: string): Registry => {
  const registry = new Registry();
  registry.setDefaultLabels({ service });
  collectDefaultMetrics({ register: registry });
  return registry;
};

export const makeHttpMetrics = (registry: Registry): HttpMetrics => {
  const duration = new Histogram({
    name: 'http_request_duration_seconds',
    help: 'Duration of HTTP requests; the _count is the number of requests',
    labelNames: ['route', 'method', 'status'] as const,
    buckets: seconds,
    registers: [registry],
  });
  return {
    observe: (route, method, status, durationMs) => {
      duration.observe({ route, method, status }, durationMs / 1000);
    },
  };
};

type PoolCounts = { totalCount: number; idleCount: number; waitingCount: number };

const observedPools = new WeakMap<Registry, Map<string, PoolCounts>>();

/** Usage of connection pools, read at each scrape. Services in one process share the gauge. */
export const observePool = (registry: Registry, pools: Record<string, PoolCounts>): void => {
  const observed = observedPools.get(registry) ?? new Map<string, PoolCounts>();
  for (const [pool, counts] of Object.entries(pools)) observed.set(pool, counts);
  if (observedPools.has(registry)) return;
  observedPools.set(registry, observed);
  new Gauge({
    name: 'database_pool_connections',
    help: 'Connections of a pool by state: total, idle, and requests waiting for a connection',
    labelNames: ['pool', 'state'] as const,
    registers: [registry],
    collect() {
      for (const [pool, counts] of observed) {
        this.set({ pool, state: 'total' }, counts.totalCount);
        this.set({ pool, state: 'idle' }, counts.idleCount);
        this.set({ pool, state: 'waiting' }, counts.waitingCount);
      }
    },
  });
};

export const makeCounter = <L extends string>(
  registry: Registry,
  name: string,
  help: string,
  labelNames: readonly L[] = [],
): Counter<L> => new Counter({ name, help, labelNames, registers: [registry] });

export const makeHistogram = (
  registry: Registry,
  name: string,
  help: string,
  buckets: number[] = seconds,
): Histogram => new Histogram({ name, help, buckets, registers: [registry] });

export type WorkerMetrics = {
  /** The worker has finished a run without an error. */
  succeeded: () => void;
};

type WorkerGauges = { lastSuccess: Gauge<'worker'>; interval: Gauge<'worker'> };

const workerGauges = new WeakMap<Registry, WorkerGauges>();

const gaugesOf = (registry: Registry): WorkerGauges => {
  const found = workerGauges.get(registry);
  if (found !== undefined) return found;
  const gauge = (name: string, help: string): Gauge<'worker'> =>
    new Gauge({ name, help, labelNames: ['worker'], registers: [registry] });
  const made = {
    lastSuccess: gauge(
      'worker_last_success_timestamp_seconds',
      'When a background worker last finished a run without an error; at the start, when it started',
    ),
    interval: gauge('worker_interval_seconds', 'Pause of a background worker between two runs'),
  };
  workerGauges.set(registry, made);
  return made;
};

/** When a background worker last succeeded. Services in one process share the gauges. */
export const makeWorkerMetrics = (
  registry: Registry,
  worker: string,
  intervalMs: number,
): WorkerMetrics => {
  const { lastSuccess, interval } = gaugesOf(registry);
  interval.set({ worker }, intervalMs / 1_000);
  lastSuccess.set({ worker }, Date.now() / 1_000);
  return {
    succeeded: () => {
      lastSuccess.set({ worker }, Date.now() / 1_000);
    },
  };
};
