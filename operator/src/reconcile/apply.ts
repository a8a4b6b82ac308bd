import { unexpectedFields } from '../objects/drift.ts';
import { appliedAnnotation } from '../objects/labels.ts';
import {
  keyOf,
  keyOfRef,
  type Manifest,
  type ObjectKey,
  type OwnedRef,
} from '../objects/manifest.ts';
import { keepingOwner } from '../objects/settings.ts';
import type { MovieTicketing, MovieTicketingStatus } from '../resource/movie-ticketing.schema.ts';
import type { KubeClient } from '../runtime/client.ts';
import { hasReason, KubeError } from '../runtime/kube-error.ts';
import { refOf, type KubeObject } from '../runtime/kube-object.ts';
import type { Event, Plan } from './plan.ts';

export type ApplyDependencies = {
  /** A client that refuses to write once leadership is lost: a Lease does not fence a frozen leader. */
  client: KubeClient;
  recordEvent: (resource: MovieTicketing, event: Event) => void;
};

export type Applied = {
  /** What the API server refused, by object. */
  refusals: ReadonlyMap<ObjectKey, RefusedWrite>;
  /** The namespace is being deleted: nothing more was sent. */
  namespaceIsTerminating: boolean;
  /** False where the resource changed after it was read: the plan is out of date. */
  current: boolean;
  /** How many objects were created, applied or deleted, and the status. */
  writes: number;
};

/** `manifestHash` is empty for a deletion. */
export type RefusedWrite = { message: string; status: number; manifestHash: string };

type Write = { object: ObjectKey; manifestHash: string; run: () => Promise<unknown> };

/** An object that exists by now is left unchanged: a Secret is created once. */
const create = async (client: KubeClient, manifest: Manifest): Promise<void> => {
  try {
    await client.create(manifest);
  } catch (error) {
    if (!hasReason(error, 'AlreadyExists')) throw error;
  }
};

/** Another object of that name is left alone. */
const remove = async (client: KubeClient, ref: OwnedRef, namespace: string): Promise<void> => {
  try {
    await client.delete({ ...ref, namespace });
  } catch (error) {
    if (!hasReason(error, 'Conflict')) throw error;
  }
};

const apply = async (client: KubeClient, manifest: Manifest): Promise<void> => {
  const live = await client.apply<KubeObject>(manifest);
  const removal = unexpectedFields(manifest, live);
  if (removal !== undefined) await client.merge(refOf(manifest), removal);
};

const idOf = (manifest: Manifest) => ({
  object: keyOf(manifest),
  manifestHash: manifest.metadata.annotations[appliedAnnotation] ?? '',
});

/** The admission plugin NamespaceLifecycle refuses every new object. */
const isNamespaceTerminating = (error: KubeError): boolean =>
  error.status === 403 && error.message.includes('because it is being terminated');

const writesOf = (client: KubeClient, plan: Plan, namespace: string): Write[] => [
  ...plan.create.map((manifest) => ({
    ...idOf(manifest),
    run: () => create(client, manifest),
  })),
  ...plan.keep.map((manifest) => ({
    ...idOf(manifest),
    run: () => client.apply(manifest, { fieldManager: keepingOwner }),
  })),
  ...plan.apply.map((manifest) => ({ ...idOf(manifest), run: () => apply(client, manifest) })),
  ...plan.delete.map((ref) => ({
    object: keyOfRef(ref),
    manifestHash: '',
    run: () => remove(client, ref, namespace),
  })),
];

/**
 * Carries a plan out, in its order. A refusal by the API server is kept and does not stop the other
 * writes; a request without an answer (server unreachable, leadership lost) stops them.
 * @throws KubeError with status 0, or when the status is refused
 */
export const carryOut = async (
  { client, recordEvent }: ApplyDependencies,
  resource: MovieTicketing,
  plan: Plan,
): Promise<Applied> => {
  const refusals = new Map<ObjectKey, RefusedWrite>();
  const writes = writesOf(client, plan, resource.metadata.namespace);
  for (const { object, manifestHash, run } of writes) {
    try {
      await run();
    } catch (error) {
      if (!(error instanceof KubeError) || error.status === 0) throw error;
      if (isNamespaceTerminating(error)) {
        return { refusals, namespaceIsTerminating: true, current: true, writes: 0 };
      }
      refusals.set(object, { message: error.message, status: error.status, manifestHash });
    }
  }
  const applied = { refusals, namespaceIsTerminating: false, writes: writes.length };
  if (plan.status === resource.status) return { ...applied, current: true };
  const current = await writeStatus(client, resource, plan.status);
  // After the status: events whose status was not written are recorded by the next reconcile.
  if (current) for (const event of plan.events) recordEvent(resource, event);
  return { ...applied, current, writes: writes.length + 1 };
};

/** Replaces the whole status: what the plan leaves out is removed. */
export const writeStatus = async (
  client: KubeClient,
  resource: MovieTicketing,
  status: MovieTicketingStatus,
): Promise<boolean> => {
  const { apiVersion, kind, metadata } = resource;
  const { name, namespace, resourceVersion } = metadata;
  try {
    await client.patchStatus({ apiVersion, kind, name, namespace }, status, { resourceVersion });
    return true;
  } catch (error) {
    if (hasReason(error, 'Conflict', 'NotFound', 'KindNotServed')) return false;
    throw error;
  }
};
