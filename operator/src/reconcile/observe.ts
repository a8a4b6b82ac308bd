import { randomBytes } from 'node:crypto';

import { holderOf, isOurs, resourceLabel } from '../children/labels.ts';
import { givenRefs, wantedRefs } from '../children/wanted-refs.ts';
import type { MovieTicketing } from '../resource/movie-ticketing.schema.ts';
import type { KubeClient } from '../runtime/client.ts';
import type { Kind, KubeObject } from '../runtime/kube-object.ts';
import {
  childKinds,
  keyOf,
  keyOfRef,
  type ApplyError,
  type ChildKey,
  type ChildRef,
  type ChildWarning,
  type FreshSecrets,
  type Observed,
} from './observed.ts';

export const freshSecrets = (): FreshSecrets => ({
  databasePassword: randomBytes(24).toString('base64url'),
  adminPassword: randomBytes(18).toString('base64url'),
  adminId: randomBytes(4).toString('hex'),
});

const podKind = { apiVersion: 'v1', kind: 'Pod' };
const eventKind = { apiVersion: 'v1', kind: 'Event' };

type KubeEvent = KubeObject & {
  involvedObject: { kind: string; name: string; uid?: string };
  reason?: string;
  message?: string;
  lastTimestamp?: string | null;
  eventTime?: string | null;
};

/** Warnings about children that have no pod to say what is wrong: each kind asked for by itself. */
const readWarnings = async (
  client: KubeClient,
  namespace: string,
  children: readonly KubeObject[],
  pods: readonly KubeObject[],
): Promise<ChildWarning[]> => {
  const hasPod = (child: KubeObject): boolean =>
    pods.some((pod) => pod.metadata.ownerReferences?.some(({ uid }) => uid === child.metadata.uid));
  const podless = children.filter(
    (child) => (child.kind === 'StatefulSet' || child.kind === 'Job') && !hasPod(child),
  );
  const events = await Promise.all(
    podless
      .filter(({ status }) => (status as { succeeded?: number } | undefined)?.succeeded !== 1)
      .map(({ metadata }) =>
        client.list<KubeEvent>(eventKind, {
          namespace,
          fieldSelector: `type=Warning,involvedObject.uid=${metadata.uid ?? ''}`,
        }),
      ),
  );
  return events
    .flatMap(({ items }) => items)
    .map((event) => ({
      child: `${event.involvedObject.kind}/${event.involvedObject.name}`,
      reason: event.reason ?? '',
      message: event.message ?? '',
      at: event.lastTimestamp ?? event.eventTime ?? event.metadata.creationTimestamp ?? '',
    }));
};

const readNamed = async (
  client: KubeClient,
  namespace: string,
  refs: readonly ChildRef[],
): Promise<KubeObject[]> => {
  const found = await Promise.all(refs.map((ref) => client.get({ ...ref, namespace })));
  return found.filter((object) => object !== undefined);
};

/**
 * Every read of a reconcile, in one namespace, straight from the API server: what is decided on is
 * never older than the decision, and no Secret stays in memory.
 * @throws KubeError where a read is refused
 */
export const observe = async (
  client: KubeClient,
  resource: MovieTicketing,
  applyErrors: ReadonlyMap<ChildKey, ApplyError>,
): Promise<Observed> => {
  const { namespace, name } = resource.metadata;
  const labelSelector = `${resourceLabel}=${name}`;
  const wanted = wantedRefs(resource);
  const givenByOthers = givenRefs(resource);
  const listLabelled = async (kind: Kind): Promise<KubeObject[]> => {
    // What is in a Secret is read by its name alone: whatever has the label would bring all of it.
    const metadataOnly = kind.kind === 'Secret';
    const { items } = await client.list(kind, { namespace, labelSelector, metadataOnly });
    const refs = items.map(({ metadata }) => ({ ...kind, name: metadata.name }));
    return metadataOnly ? readNamed(client, namespace, refs) : items;
  };
  const [labelled, pods, given] = await Promise.all([
    Promise.all(childKinds.map(listLabelled)),
    listLabelled(podKind),
    readNamed(client, namespace, givenByOthers),
  ]);
  const found = new Map(labelled.flat().map((object) => [keyOf(object), object]));
  // Labels can be taken off, and names can be taken by others: what is wanted is asked for by name.
  const missing = wanted.filter((ref) => !found.has(keyOfRef(ref)));
  for (const object of await readNamed(client, namespace, missing))
    found.set(keyOf(object), object);

  const objects = [...found.values()];
  const ours = objects.filter((object) => isOurs(object, resource));
  const isWanted = new Set(wanted.map(keyOfRef));
  const foreign = objects.filter(
    (object) => !isOurs(object, resource) && isWanted.has(keyOf(object)),
  );
  return {
    resource,
    children: new Map(ours.map((object) => [keyOf(object), object])),
    foreign: new Map(foreign.map((object) => [keyOf(object), holderOf(object, resource)])),
    given: new Map(given.map((object) => [keyOf(object), object])),
    pods,
    warnings: await readWarnings(client, namespace, ours, pods),
    applyErrors,
    now: new Date(),
    fresh: freshSecrets(),
  };
};
