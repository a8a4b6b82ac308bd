import { unexpectedFields } from '../objects/drift.ts';
import {
  keyOf,
  keyOfRef,
  type Manifest,
  type ObjectKey,
  type OwnedRef,
} from '../objects/manifest.ts';
import type { MovieTicketing, MovieTicketingStatus } from '../resource/movie-ticketing.schema.ts';
import type { KubeClient } from '../runtime/client.ts';
import { hasReason, KubeError } from '../runtime/kube-error.ts';
import { refOf, type KubeObject } from '../runtime/kube-object.ts';
import type { Refusal } from '../steps/observed.ts';
import type { Event, Plan } from './plan.ts';

export type ApplyDependencies = {
  /** A client that refuses to write once leadership is lost: a Lease does not fence a frozen leader. */
  client: KubeClient;
  recordEvent: (resource: MovieTicketing, event: Event) => void;
};

export type Applied = {
  /** What the API server refused, by object. */
  refusals: ReadonlyMap<ObjectKey, Refusal>;
  /** False where the resource changed after it was read: the plan is out of date. */
  current: boolean;
  /** How many objects were created, applied or deleted, and the status. */
  writes: number;
};

type Write = { object: ObjectKey; run: () => Promise<unknown> };

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

const writesOf = (client: KubeClient, plan: Plan, namespace: string): Write[] => [
  ...plan.create.map((manifest) => ({
    object: keyOf(manifest),
    run: () => create(client, manifest),
  })),
  ...plan.apply.map((manifest) => ({
    object: keyOf(manifest),
    run: () => apply(client, manifest),
  })),
  ...plan.delete.map((ref) => ({
    object: keyOfRef(ref),
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
  const refusals = new Map<ObjectKey, Refusal>();
  const writes = writesOf(client, plan, resource.metadata.namespace);
  for (const { object, run } of writes) {
    try {
      await run();
    } catch (error) {
      if (!(error instanceof KubeError) || error.status === 0) throw error;
      refusals.set(object, { message: error.message, status: error.status });
    }
  }
  if (plan.status === resource.status) return { refusals, current: true, writes: writes.length };
  const current = await writeStatus(client, resource, plan.status);
  // After the status: events whose status was not written are recorded by the next reconcile.
  if (current) for (const event of plan.events) recordEvent(resource, event);
  return { refusals, current, writes: writes.length + 1 };
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
    if (hasReason(error, 'Conflict', 'NotFound')) return false;
    throw error;
  }
};
