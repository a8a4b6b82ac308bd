import type { Logger } from '@movie-ticketing/kit/logging';

import type { ObjectKey } from '../objects/manifest.ts';
import type { OperatorSettings } from '../objects/settings.ts';
import { specSchema, type MovieTicketing } from '../resource/movie-ticketing.schema.ts';
import type { KubeClient } from '../runtime/client.ts';
import type { Reconciled } from '../runtime/controller.ts';
import { hasReason, KubeError } from '../runtime/kube-error.ts';
import { splitKey } from '../runtime/kube-object.ts';
import type { Observed, Refusal } from '../steps/observed.ts';
import { carryOut, writeStatus, type Applied } from './apply.ts';
import { decide } from './decide.ts';
import { observe } from './observe.ts';
import { unlessSame } from './conditions.ts';
import { unobservedStatus } from './inactive-status.ts';
import type { Event } from './plan.ts';

export type ReconcileOptions = {
  /** A client that refuses to write once leadership is lost: a Lease does not fence a frozen leader. */
  client: KubeClient;
  settings: OperatorSettings;
  recordEvent: (resource: MovieTicketing, event: Event) => void;
  logger: Logger;
};

export const resourceKind = { apiVersion: 'movieticketing.io/v1', kind: 'MovieTicketing' };

/** Objects of users, such as a Secret that the spec references, are not watched: they are polled. */
const resyncMs = 60_000;

const none: ReadonlyMap<ObjectKey, Refusal> = new Map();

/** Two passes were refused the same objects in the same way. */
const areSame = (
  before: ReadonlyMap<ObjectKey, Refusal>,
  after: ReadonlyMap<ObjectKey, Refusal>,
): boolean =>
  before.size === after.size &&
  [...after].every(([key, { status }]) => before.get(key)?.status === status);

/**
 * Brings one resource a step nearer to its spec: observe, decide, apply, status.
 * @returns a function of `namespace/name`; it throws KubeError where objects could not be read or the
 *   status could not be written
 */
export const makeReconcile = (
  options: ReconcileOptions,
): ((key: string) => Promise<Reconciled>) => {
  const { client, settings, recordEvent, logger } = options;
  const lastRefusals = new Map<string, ReadonlyMap<ObjectKey, Refusal>>();

  const reportUnobserved = async (resource: MovieTicketing, error: KubeError): Promise<void> => {
    const status = unlessSame(resource.status, unobservedStatus(resource, error, new Date()));
    if (status !== resource.status) await writeStatus(client, resource, status);
  };

  const read = async (resource: MovieTicketing, key: string): Promise<Observed> => {
    try {
      return await observe(client, resource, lastRefusals.get(key) ?? none);
    } catch (error) {
      // Without an answer the status cannot be written either.
      if (error instanceof KubeError && error.status !== 0) await reportUnobserved(resource, error);
      throw error;
    }
  };

  const logRefusals = (key: string, refusals: Applied['refusals']): void => {
    for (const [object, { message, status }] of refusals)
      logger.warn({ resource: key, object, status, refusal: message }, 'object refused');
  };

  return async (key) => {
    const resource = await readResource(client, key);
    if (resource === undefined) {
      lastRefusals.delete(key);
      return {};
    }
    const observed = await read(resource, key);
    const plan = decide(observed, settings);
    const { refusals, current, writes } = await carryOut({ client, recordEvent }, resource, plan);
    const known = areSame(lastRefusals.get(key) ?? none, refusals);
    lastRefusals.set(key, refusals);
    if (writes > 0) logger.debug({ resource: key, writes }, 'objects written');
    if (!known) logRefusals(key, refusals);
    // New refusals belong into the status, a resource that changed meanwhile is decided again, and refused
    // objects are retried: all with the back-off of the queue.
    if (!known || !current || refusals.size > 0) return { requeueAfterMs: 0 };
    return { requeueAfterMs: plan.requeueAfterMs ?? spread(resyncMs) };
  };
};

/** Resources that were reconciled in the same moment must not all come back in the same moment. */
const spread = (ms: number): number => Math.round(ms * (0.8 + 0.4 * Math.random()));

const readResource = async (
  client: KubeClient,
  key: string,
): Promise<MovieTicketing | undefined> => {
  const { namespace = '', name } = splitKey(key);
  // Without the CRD there are no resources either. Once it is back, its watch reports them all.
  const found = await client.get({ ...resourceKind, namespace, name }).catch((error: unknown) => {
    if (hasReason(error, 'KindNotServed')) return undefined;
    throw error;
  });
  if (found === undefined) return undefined;
  const resource = found as unknown as MovieTicketing;
  // A resource stored under an older definition lacks the defaults of this one.
  const parsed = specSchema.safeParse(resource.spec);
  return parsed.success ? { ...resource, spec: parsed.data } : resource;
};
