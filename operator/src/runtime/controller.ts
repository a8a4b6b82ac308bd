import type { Logger } from '@movie-ticketing/kit/logging';
import type { Registry } from '@movie-ticketing/kit/metrics';

import type { KubeClient } from './client.ts';
import type { Kind, KubeObject } from './kube-object.ts';
import { makeQueue, type WorkQueue } from './queue.ts';
import type { ReflectorMetrics } from './reflector-metrics.ts';
import { makeReflector, type Reflector, type ReflectorOptions } from './reflector.ts';
import { makeQueueMetrics, makeReconcileMetrics } from './runtime-metrics.ts';

/** A kind to watch, and which keys are to be reconciled when one of its objects changes. */
export type Source = {
  kind: Kind;
  namespace?: string;
  labelSelector?: string;
  /** What of an object stays in memory; all of it unless set. */
  keep?: (object: KubeObject) => KubeObject;
  keysOf: (object: KubeObject) => Iterable<string>;
};

export type Reconciled = { requeueAfterMs?: number };

export type ControllerOptions = {
  name: string;
  client: KubeClient;
  sources: Source[];
  /**
   * Brings what `key` names to where it should be; asked again for any change, so it must not trust
   * that anything happened in between. A throw is tried again, ever later, up to 5 minutes. `signal`
   * is aborted when stopping has taken too long.
   */
  reconcile: (key: string, signal: AbortSignal) => Promise<Reconciled>;
  /** Of retries; as the queue's unless set. */
  backoff?: { baseMs: number; capMs: number };
  /** Keys at a time. */
  workers: number;
  logger: Logger;
  registry: Registry;
  reflectorMetrics?: ReflectorMetrics;
  /** The rest of what reflectors take, for tests. */
  reflecting?: Partial<
    Pick<ReflectorOptions<KubeObject>, 'relistMs' | 'idleTimeoutMs' | 'watchSeconds' | 'backoff'>
  >;
};

export type Controller = {
  start(): void;
  /** Starts no more reconciles, waits `drainMs` for those that run, then aborts their signal. */
  stop(drainMs: number): Promise<void>;
  /** In the order of the sources. Absence from one that has not synced means nothing. */
  reflectors: readonly Reflector<KubeObject>[];
  hasSynced(): boolean;
  /** The longest silence among the sources. */
  lastEventAgeMs(): number;
  enqueue(key: string): void;
};

/** Sources -> queue -> reconcile(key). */
export const makeController = (options: ControllerOptions): Controller => {
  const drained = new AbortController();
  const queue: WorkQueue = makeQueue({
    workers: options.workers,
    ...(options.backoff && { backoff: options.backoff }),
    metrics: (state) => makeQueueMetrics(options.registry, options.name, state),
    work: (key) => work(key),
  });
  const work = makeWork(options, () => queue, drained.signal);
  const reflectors = options.sources.map((source) => reflect(source, options, queue));
  return {
    start: () => {
      for (const reflector of reflectors) reflector.start();
      queue.start();
    },
    stop: async (drainMs) => {
      const late = setTimeout(() => {
        options.logger.warn({ controller: options.name }, 'reconciles are cut short');
        drained.abort();
      }, drainMs);
      await Promise.all([queue.stop(), ...reflectors.map((reflector) => reflector.stop())]);
      clearTimeout(late);
    },
    reflectors,
    hasSynced: () => reflectors.every((reflector) => reflector.hasSynced()),
    lastEventAgeMs: () => Math.max(0, ...reflectors.map((one) => one.lastEventAgeMs())),
    enqueue: queue.add,
  };
};

const reflect = (
  { keysOf, ...source }: Source,
  { client, logger, reflectorMetrics, reflecting }: ControllerOptions,
  queue: WorkQueue,
): Reflector<KubeObject> =>
  makeReflector({
    ...source,
    ...reflecting,
    client,
    logger,
    ...(reflectorMetrics && { metrics: reflectorMetrics }),
    onChange: (_, object, before) => {
      // Both: an object that changed hands concerns its old owner too.
      for (const seen of [before, object])
        if (seen !== undefined) for (const key of keysOf(seen)) queue.add(key);
    },
  });

const makeWork = (
  { name, reconcile, logger, registry }: ControllerOptions,
  queue: () => WorkQueue,
  signal: AbortSignal,
): ((key: string) => Promise<void>) => {
  const metrics = makeReconcileMetrics(registry, name);
  return async (key) => {
    const began = performance.now();
    const done = (result: 'success' | 'requeue_after' | 'error'): void => {
      metrics.done(result, performance.now() - began);
    };
    try {
      const { requeueAfterMs } = await reconcile(key, signal);
      queue().forget(key);
      if (requeueAfterMs !== undefined) queue().addAfter(key, requeueAfterMs);
      done(requeueAfterMs === undefined ? 'success' : 'requeue_after');
    } catch (error) {
      done('error');
      const waitMs = queue().retry(key);
      logger.error({ error, controller: name, key, waitMs }, 'a reconcile failed');
    }
  };
};
