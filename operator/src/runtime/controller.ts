import type { Logger } from '@movie-ticketing/kit/logging';
import type { Registry } from '@movie-ticketing/kit/metrics';

import { pause, type Backoff } from './backoff.ts';
import type { KubeClient } from './client.ts';
import type { Kind, KubeObject } from './kube-object.ts';
import { makeControllerMetrics, makeGauge, type ControllerMetrics } from './metrics.ts';
import { WorkQueue } from './queue.ts';
import { Reflector } from './reflector.ts';

/** A kind to watch, and which keys are to be reconciled when one of its objects changes. */
export type Source = {
  kind: Kind;
  namespace?: string;
  labelSelector?: string;
  keysOf: (object: KubeObject) => Iterable<string>;
};

export type Reconciled = { requeueAfterMs?: number };

export type ControllerOptions = {
  name: string;
  client: KubeClient;
  sources: Source[];
  /**
   * Brings what `key` names to where it should be; asked again for any change, so it must not trust
   * that anything happened in between. A throw is tried again, ever later.
   */
  reconcile: (key: string) => Promise<Reconciled>;
  /** Between tries. */
  backoff: Backoff;
  /** Keys at a time. */
  workers: number;
  logger: Logger;
  registry: Registry;
};

export type Controller = {
  start(): void;
  /** Starts no more reconciles, and waits `drainMs` at most for those that run. */
  stop(drainMs: number): Promise<void>;
  /** The first list of every source was read. */
  hasSynced(): boolean;
  /** The longest silence among the sources. */
  lastEventAgeMs(): number;
};

/** Sources -> queue -> reconcile(key). */
export const makeController = (options: ControllerOptions): Controller => {
  const metrics = makeControllerMetrics(options.registry);
  const queue = new WorkQueue({ ...options, metrics, work: makeWork(options, metrics) });
  const reflectors = options.sources.map((source) => reflect(source, options, metrics, queue));
  observe(options, queue, reflectors);
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
      if (leftMs > 0) options.logger.warn({ leftMs }, 'a reconcile goes on while all else stops');
    },
    hasSynced: () => reflectors.every((reflector) => reflector.hasSynced()),
    lastEventAgeMs: () => Math.max(0, ...reflectors.map((one) => one.lastEventAgeMs())),
  };
};

const makeWork = (
  { name: controller, reconcile, logger }: ControllerOptions,
  metrics: ControllerMetrics,
): ((key: string) => Promise<number | undefined>) => {
  metrics.reconcileErrors.inc({ controller }, 0);
  return async (key) => {
    const began = performance.now();
    let result = 'error';
    try {
      const { requeueAfterMs } = await reconcile(key);
      result = requeueAfterMs === undefined ? 'success' : 'requeue_after';
      return requeueAfterMs;
    } catch (error) {
      metrics.reconcileErrors.inc({ controller });
      logger.error({ error, controller, key }, 'a reconcile failed');
      throw error;
    } finally {
      metrics.reconciles.inc({ controller, result });
      metrics.reconcileSeconds.observe({ controller }, (performance.now() - began) / 1_000);
    }
  };
};

const reflect = (
  { keysOf, ...source }: Source,
  { client, logger }: ControllerOptions,
  metrics: ControllerMetrics,
  queue: WorkQueue,
): Reflector => {
  const onChange = (_: string, ...states: (KubeObject | undefined)[]): void => {
    // Both: an object that changed hands concerns its old owner too.
    for (const seen of states)
      if (seen !== undefined) for (const key of keysOf(seen)) queue.add(key);
  };
  return new Reflector({ ...source, client, logger, metrics, onChange });
};

const observe = (
  { name, registry }: ControllerOptions,
  queue: WorkQueue,
  reflectors: readonly Reflector[],
): void => {
  const ofQueue = (metric: string, help: string, read: () => number): void => {
    makeGauge(registry, { name: metric, help, labelNames: ['name'] }, () => [[{ name }, read()]]);
  };
  ofQueue('workqueue_depth', 'Keys that wait', () => queue.depth());
  ofQueue(
    'workqueue_longest_running_processor_seconds',
    'How long the longest work has been running',
    () => queue.oldestRunMs() / 1_000,
  );
  const age = {
    name: 'reflector_last_event_age_seconds',
    help: 'Since the API server was last heard on a kind: a list, an event or a bookmark',
    labelNames: ['kind', 'namespace'],
  } as const;
  makeGauge(registry, age, () =>
    reflectors.map((reflector) => [reflector.labels, reflector.lastEventAgeMs() / 1_000]),
  );
};
