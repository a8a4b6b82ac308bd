import type { Logger } from '@movie-ticketing/kit/logging';
import type { Registry } from '@movie-ticketing/kit/metrics';

import { resourceLabel } from '../children/labels.ts';
import type { KubeClient } from '../runtime/client.ts';
import type { Kind, KubeObject } from '../runtime/kube-object.ts';
import type { WatchEvent } from '../runtime/watch-stream.ts';
import { makeQueue, type WorkQueue } from '../runtime/queue.ts';
import { makeReflectorMetrics } from '../runtime/reflector-metrics.ts';
import { makeReflector, type Reflector } from '../runtime/reflector.ts';
import { makeQueueMetrics, makeReconcileMetrics } from '../runtime/runtime-metrics.ts';
import { childKinds } from './observed.ts';
import { makeReconcile, resourceKind, type ReconcileOptions } from './reconcile-resource.ts';

export type ControllerOptions = ReconcileOptions & {
  registry: Registry;
  /** Empty: all. */
  namespaces: readonly string[];
  /** How many resources are worked on at once. */
  workers: number;
};

export type Controller = {
  /** Begins to watch and to work: when this process leads, not before. */
  start: () => void;
  /** Ends the watches, and resolves when what is being worked on has ended. */
  stop: () => Promise<void>;
  /** Every kind was listed once. */
  hasSynced: () => boolean;
  /** Since the API server was last heard on the kind it was longest silent on. */
  lastEventAgeMs: () => number;
};

const name = 'movieticketing';

/** However often something failed, it is tried again after this. */
const longestWaitMs = 15_000;

/** Clients that looked at the same moment would all look again in one. */
const spread = (ms: number): number => ms * (0.9 + 0.2 * Math.random());

/** Who and where an object is, and whose: all that is kept in memory of what is watched. */
const outline = <T extends KubeObject>({ apiVersion, kind, metadata }: T): T => {
  const { name, namespace, uid, resourceVersion, labels = {} } = metadata;
  const label = labels[resourceLabel];
  return {
    apiVersion,
    kind,
    metadata: {
      name,
      namespace,
      uid,
      resourceVersion,
      ...(label === undefined ? {} : { labels: { [resourceLabel]: label } }),
    },
  } as unknown as T;
};

/** A client that forgets what it reads but for outlines: no Secret stays in a store. */
const outlining = (client: KubeClient): KubeClient => ({
  ...client,
  list: async <T extends KubeObject>(...args: Parameters<KubeClient['list']>) => {
    const { items, resourceVersion } = await client.list<T>(...args);
    return { items: items.map(outline), resourceVersion };
  },
  async *watch<T extends KubeObject>(...args: Parameters<KubeClient['watch']>) {
    for await (const event of client.watch<T>(...args))
      yield event.type === 'BOOKMARK'
        ? event
        : ({ type: event.type, object: outline(event.object) } satisfies WatchEvent<T>);
  },
});

/** The resource that an object belongs to, by its label. */
const ownerKey = (object: KubeObject | undefined): string | undefined => {
  const owner = object?.metadata.labels?.[resourceLabel];
  return owner === undefined ? undefined : `${object?.metadata.namespace ?? ''}/${owner}`;
};

type ReflectorMetrics = ReturnType<typeof makeReflectorMetrics>;

const makeReflectors = (
  options: ControllerOptions,
  queue: WorkQueue,
  metrics: ReflectorMetrics,
): Reflector<KubeObject>[] => {
  const { logger, namespaces } = options;
  const client = outlining(options.client);
  const places = namespaces.length === 0 ? [{}] : namespaces.map((namespace) => ({ namespace }));
  const children: Kind[] = [
    ...childKinds.map(({ apiVersion, kind }) => ({ apiVersion, kind })),
    { apiVersion: 'v1', kind: 'Pod' },
  ];
  return places.flatMap((place) => [
    makeReflector({
      ...{ client, kind: resourceKind, logger, metrics, ...place },
      onChange: (key) => {
        queue.add(key);
      },
    }),
    ...children.map((kind) =>
      makeReflector({
        ...{ client, kind, logger, metrics, ...place },
        labelSelector: resourceLabel,
        // A label that was changed is the business of both.
        onChange: (_key, object, before) => {
          for (const key of new Set([ownerKey(object), ownerKey(before)]))
            if (key !== undefined) queue.add(key);
        },
      }),
    ),
  ]);
};

/** Watches the resources and what belongs to them, and reconciles each resource that anything happens to. */
export const makeController = (options: ControllerOptions): Controller => {
  const { registry, logger, workers } = options;
  const reconcile = makeReconcile(options);
  const metrics = makeReconcileMetrics(registry, name);

  const work = async (key: string): Promise<void> => {
    const started = performance.now();
    try {
      const { refused, againAfterMs } = await reconcile(key);
      const took = performance.now() - started;
      metrics.done(refused === 0 ? 'success' : 'error', took);
      if (refused === 0) queue.forget(key);
      else queue.retry(key);
      if (againAfterMs !== undefined)
        queue.addAfter(
          key,
          spread(refused === 0 ? againAfterMs : Math.min(againAfterMs, longestWaitMs)),
        );
    } catch (error) {
      metrics.done('error', performance.now() - started);
      logger.warn({ error, resource: key }, 'a resource could not be reconciled');
      queue.addAfter(key, spread(longestWaitMs));
      throw error;
    }
  };
  const queue = makeQueue({
    work,
    workers,
    metrics: (state) => makeQueueMetrics(registry, name, state),
  });
  const reflectors = makeReflectors(options, queue, makeReflectorMetrics(registry));
  return {
    start: () => {
      queue.start();
      for (const reflector of reflectors) reflector.start();
    },
    stop: async () => {
      await Promise.all(reflectors.map((reflector) => reflector.stop()));
      await queue.stop();
    },
    hasSynced: () => reflectors.every((reflector) => reflector.hasSynced()),
    lastEventAgeMs: () => Math.max(...reflectors.map((reflector) => reflector.lastEventAgeMs())),
  };
};
