import type { MovieTicketing, MovieTicketingStatus } from '../resource/movie-ticketing.schema.ts';
import type { KubeClient } from '../runtime/client.ts';
import { hasReason, KubeError } from '../runtime/kube-error.ts';
import { refOf, type KubeObject } from '../runtime/kube-object.ts';
import {
  keyOf,
  keyOfRef,
  type ApplyError,
  type ChildKey,
  type ChildRef,
  type Event,
  type Manifest,
  type Plan,
} from './observed.ts';
import { surplusOf } from './surplus.ts';

export type ApplyDependencies = {
  /** One that refuses to write when this process leads no more: a Lease fences no frozen leader. */
  client: KubeClient;
  recordEvent: (resource: MovieTicketing, event: Event) => void;
};

export type Applied = {
  /** What the API server refused, by child. */
  errors: ReadonlyMap<ChildKey, ApplyError>;
  /** False where the resource had changed since it was read: what was decided is of yesterday. */
  current: boolean;
  /** How many objects were created, applied or deleted, and the status. */
  writes: number;
};

type Write = { child: ChildKey; run: () => Promise<unknown> };

/** What exists by then is left as it is: a Secret is made once. */
const create = async (client: KubeClient, manifest: Manifest): Promise<void> => {
  try {
    await client.create(manifest);
  } catch (error) {
    if (!hasReason(error, 'AlreadyExists')) throw error;
  }
};

/** Another object under that name by now is none of our business. */
const remove = async (client: KubeClient, ref: ChildRef, namespace: string): Promise<void> => {
  try {
    await client.delete({ ...ref, namespace });
  } catch (error) {
    if (!hasReason(error, 'Conflict')) throw error;
  }
};

/** Ours as we want it, and where all is ours, what others have added is taken away. */
const apply = async (client: KubeClient, manifest: Manifest): Promise<void> => {
  const live = await client.apply<KubeObject>(manifest);
  const surplus = surplusOf(manifest, live);
  if (surplus !== undefined) await client.merge(refOf(manifest), surplus);
};

const writesOf = (client: KubeClient, plan: Plan, namespace: string): Write[] => [
  ...plan.create.map((manifest) => ({
    child: keyOf(manifest),
    run: () => create(client, manifest),
  })),
  ...plan.apply.map((manifest) => ({ child: keyOf(manifest), run: () => apply(client, manifest) })),
  ...plan.delete.map((ref) => ({
    child: keyOfRef(ref),
    run: () => remove(client, ref, namespace),
  })),
];

/**
 * Carries a plan out, in its order. What the API server refuses is remembered and keeps nothing else
 * from being tried; without an answer (the server is gone, we lead no more) it ends there.
 * @throws KubeError with status 0, or when the status is refused
 */
export const carryOut = async (
  { client, recordEvent }: ApplyDependencies,
  resource: MovieTicketing,
  plan: Plan,
): Promise<Applied> => {
  const errors = new Map<ChildKey, ApplyError>();
  const writes = writesOf(client, plan, resource.metadata.namespace);
  for (const { child, run } of writes) {
    try {
      await run();
    } catch (error) {
      if (!(error instanceof KubeError) || error.status === 0) throw error;
      errors.set(child, { message: error.message, status: error.status });
    }
  }
  if (plan.status === resource.status) return { errors, current: true, writes: writes.length };
  const current = await writeStatus(client, resource, plan.status);
  // After the status, which says that they were told: one that was not written tells them again.
  if (current) for (const event of plan.events) recordEvent(resource, event);
  return { errors, current, writes: writes.length + 1 };
};

/** Nothing of it stays from before: what the plan leaves out of the status goes. */
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
