import type { Registry } from '@movie-ticketing/kit/metrics';

import { resourceLabel } from '../children/labels.ts';
import { makeController, type Controller, type Source } from '../runtime/controller.ts';
import { keyOf, type Kind, type KubeObject } from '../runtime/kube-object.ts';
import { childKinds } from './observed.ts';
import { makeReconcile, resourceKind, type ReconcileOptions } from './reconcile-resource.ts';

export type TicketingControllerOptions = ReconcileOptions & {
  registry: Registry;
  /** Empty: all. */
  namespaces: readonly string[];
  /** How many resources are worked on at once. */
  workers: number;
};

/** However often something was refused, what heals is found healed within the longest of these. */
const backoff = { baseMs: 50, capMs: 15_000 };

/** The resource that an object belongs to, by its label. */
const ownerOf = ({ metadata }: KubeObject): string[] => {
  const owner = metadata.labels?.[resourceLabel];
  return owner === undefined ? [] : [`${metadata.namespace ?? ''}/${owner}`];
};

const watchedKinds: readonly Kind[] = [...childKinds, { apiVersion: 'v1', kind: 'Pod' }];

const sourcesIn = (place: { namespace?: string }): Source[] => [
  { ...place, kind: resourceKind, keysOf: (resource) => [keyOf(resource)] },
  ...watchedKinds.map((kind) => ({
    ...place,
    kind,
    labelSelector: resourceLabel,
    keysOf: ownerOf,
  })),
];

/** Watches the resources and what belongs to them; a resource that anything happens to is reconciled. */
export const makeTicketingController = (options: TicketingControllerOptions): Controller => {
  const { client, logger, registry, namespaces, workers } = options;
  const places = namespaces.length === 0 ? [{}] : namespaces.map((namespace) => ({ namespace }));
  return makeController({
    name: 'movieticketing',
    client,
    sources: places.flatMap(sourcesIn),
    reconcile: makeReconcile(options),
    backoff,
    workers,
    logger,
    registry,
  });
};
