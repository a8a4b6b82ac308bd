import type { Registry } from '@movie-ticketing/kit/metrics';

import { ownedKinds } from '../components/components.ts';
import { resourceLabel } from '../objects/labels.ts';
import { makeController, type Controller, type Source } from '../runtime/controller.ts';
import { keyOf, type KubeObject } from '../runtime/kube-object.ts';
import { podKind } from './observe.ts';
import { makeReconcile, resourceKind, type ReconcileOptions } from './reconcile-resource.ts';
import { makeResourceMetrics } from './resource-metrics.ts';

export type TicketingControllerOptions = ReconcileOptions & {
  registry: Registry;
  /** Empty: all. */
  namespaces: readonly string[];
  /** How many resources are reconciled at once. */
  workers: number;
};

/** A refused object (a node port that is taken, a full quota) is retried at the latest after a minute. */
const backoff = { baseMs: 50, capMs: 60_000 };

/** The resource that an object belongs to, by its label. */
const ownerOf = ({ metadata }: KubeObject): string[] => {
  const owner = metadata.labels?.[resourceLabel];
  return owner === undefined ? [] : [`${metadata.namespace ?? ''}/${owner}`];
};

const sourcesIn = (place: { namespace?: string }): Source[] => [
  { ...place, kind: resourceKind, keysOf: (resource) => [keyOf(resource)] },
  ...[...ownedKinds, podKind].map((kind) => ({
    ...place,
    kind,
    labelSelector: resourceLabel,
    keysOf: ownerOf,
  })),
];

/** Watches the resources and their objects; a change of any reconciles its resource. */
export const makeTicketingController = (options: TicketingControllerOptions): Controller => {
  const { client, logger, registry, namespaces, workers } = options;
  const places = namespaces.length === 0 ? [{}] : namespaces.map((namespace) => ({ namespace }));
  return makeController({
    name: 'movieticketing',
    client,
    sources: places.flatMap(sourcesIn),
    reconcile: makeReconcile({ ...options, metrics: makeResourceMetrics(registry) }),
    backoff,
    workers,
    logger,
    registry,
  });
};
