import type { Logger } from '@movie-ticketing/kit/logging';
import type { Registry } from '@movie-ticketing/kit/metrics';

import { pause, type Backoff } from './backoff.ts';
import type { KubeClient } from './client.ts';
import type { Kind, KubeObject } from './kube-object.ts';
import { makeControllerMetrics, makeGauge, type ControllerMetrics } from './metrics.ts';
import { RETRY_BELOW_MS, WorkQueue } from './queue.ts';
import { Reflector } from './reflector.ts';

/** A kind to watch, and the keys to reconcile when one of its objects changes. */
export type Source = {
  kind: Kind;
  namespace?: string;
  labelSelector?: string;
  keysOf: (object: KubeObject) => Iterable<string>;
};

/** A `requeueAfterMs` below a second is a retry: it waits for the growing back-off. */
export type Reconciled = { requeueAfterMs?: number };

export type ControllerOptions = {
  name: string;
  client: KubeClient;
  sources: Source[];
  /**
   * Brings the resource of a key to its desired state. It runs again after any change, so it must not
   * rely on what an earlier run saw. It is retried with back-off when it throws. `isPoll`: no source has
   * reported a change since the last run; the time that it asked for has passed.
   */
  reconcile: (key: string, isPoll: boolean) => Promise<Reconciled>;
  /** Between retries. */
  backoff: Backoff;
  /** Number of keys that are reconciled at once. */
  workers: number;
  logger: Logger;
  registry: Registry;
};

export type Controller = {
  start(): void;
  /** Starts no more reconciles and waits at most `drainMs` for running ones. */
  stop(drainMs: number): Promise<void>;
  /** Whether the first list of every source was read. */
  hasSynced(): boolean;
  /** The longest time since a source heard from the API server. */
  lastEventAgeMs(): number;
};

/** Coalesces bursts of events, and bounds what a fight with another writer of an object can cost. */
const SPACING_MS = 250;

/** Sources -> queue -> reconcile(key). */
export const makeController = (options: ControllerOptions): Controller => {
  const metrics = makeControllerMetrics(options.registry);
  const queue = new WorkQueue({
    ...options,
    metrics,
    spacingMs: SPACING_MS,
    work: makeWork(options, metrics),
  });
  const reflectors = options.sources.map((source) => reflect(source, options, metrics, queue));
  exposeGauges(options, queue, reflectors);
  return {
    start: () => {
      for (const reflector of reflectors) reflector.start();
      queue.start();
    },
    stop: async (drainMs) => {
      const drained = new AbortController();
      const ended = Promise.all([queue.stop(), ...reflectors.map((one) => one.stop())]);
      await Promise.race([ended, pause(drainMs, drained.signal)]);
      drained.abort();
      const leftMs = queue.oldestRunMs();
      if (leftMs > 0) options.logger.warn({ leftMs }, 'reconcile still running at shutdown');
    },
    hasSynced: () => reflectors.every((reflector) => reflector.hasSynced()),
    lastEventAgeMs: () => Math.max(0, ...reflectors.map((one) => one.lastEventAgeMs())),
  };
};

const makeWork = (
  { name: controller, reconcile, logger }: ControllerOptions,
  metrics: ControllerMetrics,
): ((key: string, isPoll: boolean) => Promise<number | undefined>) => {
  metrics.reconcileErrors.inc({ controller }, 0);
  return async (key, isPoll) => {
    const began = performance.now();
    let result = 'error';
    try {
      const { requeueAfterMs } = await reconcile(key, isPoll);
      result = resultOf(requeueAfterMs);
      return requeueAfterMs;
    } catch (error) {
      metrics.reconcileErrors.inc({ controller });
      logger.error({ error, controller, key }, 'reconcile failed');
      throw error;
    } finally {
      metrics.reconciles.inc({ controller, result });
      metrics.reconcileSeconds.observe({ controller }, (performance.now() - began) / 1_000);
    }
  };
};

const resultOf = (requeueAfterMs: number | undefined): string => {
  if (requeueAfterMs === undefined) return 'success';
  return requeueAfterMs < RETRY_BELOW_MS ? 'retry' : 'requeue_after';
};

const reflect = (
  { keysOf, ...source }: Source,
  { client, logger }: ControllerOptions,
  metrics: ControllerMetrics,
  queue: WorkQueue,
): Reflector => {
  const onChange = (_: string, ...states: (KubeObject | undefined)[]): void => {
    // Both states: an object that changed its owner concerns the old owner too.
    for (const seen of states)
      if (seen !== undefined) for (const key of keysOf(seen)) queue.add(key);
  };
  return new Reflector({ ...source, client, logger, metrics, onChange });
};

const exposeGauges = (
  { name, registry }: ControllerOptions,
  queue: WorkQueue,
  reflectors: readonly Reflector[],
): void => {
  const queueGauge = (metric: string, help: string, read: () => number): void => {
    makeGauge(registry, { name: metric, help, labelNames: ['name'] }, () => [[{ name }, read()]]);
  };
  queueGauge('workqueue_depth', 'Number of waiting keys', () => queue.depth());
  queueGauge(
    'workqueue_longest_running_processor_seconds',
    'Age of the oldest running work',
    () => queue.oldestRunMs() / 1_000,
  );
  const age = {
    name: 'reflector_last_event_age_seconds',
    help: 'Time since the last response of the API server for a kind: a list, an event, a bookmark or an error',
    labelNames: ['kind', 'namespace'],
  } as const;
  makeGauge(registry, age, () =>
    reflectors.map((reflector) => [reflector.labels, reflector.lastEventAgeMs() / 1_000]),
  );
};
