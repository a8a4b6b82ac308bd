import type { Logger } from '@movie-ticketing/kit/logging';

import { specSchema, type MovieTicketing } from '../resource/movie-ticketing.schema.ts';
import type { KubeClient } from '../runtime/client.ts';
import type { Reconciled } from '../runtime/controller.ts';
import { KubeError } from '../runtime/kube-error.ts';
import { splitKey } from '../runtime/kube-object.ts';
import { carryOut, writeStatus, type Applied } from './apply.ts';
import { decide } from './decide.ts';
import { observe } from './observe.ts';
import type { ApplyError, ChildKey, Event, Observed, OperatorSettings } from './observed.ts';
import { unobservedStatus } from './standstill.ts';
import { unlessSame } from './status.ts';

export type ReconcileOptions = {
  /** One that refuses to write when this process leads no more: a Lease fences no frozen leader. */
  client: KubeClient;
  settings: OperatorSettings;
  recordEvent: (resource: MovieTicketing, event: Event) => void;
  logger: Logger;
};

export const resourceKind = { apiVersion: 'movieticketing.io/v1', kind: 'MovieTicketing' };

/** Some objects were refused again, and this has been told: to be tried later and later. */
export class RefusedError extends Error {
  override readonly name = 'RefusedError';
}

/** Objects that others make, such as a Secret the spec names, are not watched: they are looked at. */
const lookAgainMs = 60_000;

const none: ReadonlyMap<ChildKey, ApplyError> = new Map();

/** Two passes were refused the same things: telling it again would change nothing. */
const areSame = (
  before: ReadonlyMap<ChildKey, ApplyError>,
  after: ReadonlyMap<ChildKey, ApplyError>,
): boolean =>
  before.size === after.size &&
  [...after].every(([key, { status }]) => before.get(key)?.status === status);

/**
 * Brings one resource a step nearer to what it wants: observe, decide, apply, status.
 * @returns a function of `namespace/name`; it throws KubeError where nothing could be read or told,
 *   RefusedError
 */
export const makeReconcile = (
  options: ReconcileOptions,
): ((key: string) => Promise<Reconciled>) => {
  const { client, settings, recordEvent, logger } = options;
  const refusedBefore = new Map<string, ReadonlyMap<ChildKey, ApplyError>>();

  const tellUnobserved = async (resource: MovieTicketing, error: KubeError): Promise<void> => {
    const status = unlessSame(resource.status, unobservedStatus(resource, error, new Date()));
    if (status !== resource.status) await writeStatus(client, resource, status);
  };

  const look = async (resource: MovieTicketing, key: string): Promise<Observed> => {
    try {
      return await observe(client, resource, refusedBefore.get(key) ?? none);
    } catch (error) {
      // Without an answer there is nobody to tell either.
      if (error instanceof KubeError && error.status !== 0) await tellUnobserved(resource, error);
      throw error;
    }
  };

  const tellRefusals = (key: string, errors: Applied['errors']): void => {
    for (const [child, { message, status }] of errors)
      logger.warn({ resource: key, child, status, refusal: message }, 'an object was refused');
  };

  return async (key) => {
    const resource = await readResource(client, key);
    if (resource === undefined) {
      refusedBefore.delete(key);
      return {};
    }
    const observed = await look(resource, key);
    const plan = decide(observed, settings);
    const { errors, current, writes } = await carryOut({ client, recordEvent }, resource, plan);
    const known = areSame(refusedBefore.get(key) ?? none, errors);
    refusedBefore.set(key, errors);
    if (writes > 0) logger.debug({ resource: key, writes }, 'written');
    if (!known) tellRefusals(key, errors);
    // What was refused, and what changed meanwhile, is decided on at once.
    if (!known || !current) return { requeueAfterMs: 0 };
    if (errors.size > 0) throw new RefusedError([...errors.keys()].join(', '));
    return { requeueAfterMs: plan.requeueAfterMs ?? spread(lookAgainMs) };
  };
};

/** Resources that were looked at in the same moment would all be looked at again in one. */
const spread = (ms: number): number => Math.round(ms * (0.8 + 0.4 * Math.random()));

const readResource = async (
  client: KubeClient,
  key: string,
): Promise<MovieTicketing | undefined> => {
  const { namespace = '', name } = splitKey(key);
  const found = await client.get({ ...resourceKind, namespace, name });
  if (found === undefined) return undefined;
  const resource = found as unknown as MovieTicketing;
  // One that was stored under an older definition lacks the defaults of this one.
  const parsed = specSchema.safeParse(resource.spec);
  return parsed.success ? { ...resource, spec: parsed.data } : resource;
};
