import type { Logger } from '@movie-ticketing/kit/logging';

import { optionalKinds, wantsKind } from '../components/components.ts';
import type { OperatorSettings } from '../objects/settings.ts';
import { specSchema, type MovieTicketing } from '../resource/movie-ticketing.schema.ts';
import type { KubeClient } from '../runtime/client.ts';
import type { Reconciled } from '../runtime/controller.ts';
import { hasReason, KubeError } from '../runtime/kube-error.ts';
import { splitKey } from '../runtime/kube-object.ts';
import type { Observed } from '../steps/observed.ts';
import { carryOut, writeStatus, type Applied } from './apply.ts';
import { decide } from './decide.ts';
import { nameOfKind, observe } from './observe.ts';
import { isStillSettled, pollMs, settledFrom, type Settled } from './settled.ts';
import { unlessSame } from './conditions.ts';
import { unobservedStatus } from './inactive-status.ts';
import type { Event, Plan } from './plan.ts';
import type { ResourceMetrics } from './resource-metrics.ts';
import { newlyRefused, nextRefusals, type Refusals } from './refusal-memory.ts';

export type ReconcileOptions = {
  /** A client that refuses to write once leadership is lost: a Lease does not fence a frozen leader. */
  client: KubeClient;
  settings: OperatorSettings;
  recordEvent: (resource: MovieTicketing, event: Event) => void;
  logger: Logger;
  /** Unset: none are kept. */
  metrics?: ResourceMetrics;
};

export const resourceKind = { apiVersion: 'movieticketing.io/v1', kind: 'MovieTicketing' };

/** The optional kinds of which the resource may have an object after this reconcile. */
const optionalKindsIn = ({ owned, resource }: Observed): ReadonlySet<string> => {
  const present = new Set([...owned.values()].map(nameOfKind));
  const possible = optionalKinds.filter(
    (kind) => wantsKind(resource, kind) || present.has(nameOfKind(kind)),
  );
  return new Set(possible.map(nameOfKind));
};

/** A retry with the back-off of the queue. */
const retrySoonMs = 0;

/** What the last reconcile of a resource found out. */
type Memory = {
  uid: string;
  refusals: Refusals;
  namespaceIsTerminating: boolean;
  optionalKinds?: ReadonlySet<string>;
  /** Where the last reconcile found everything as specified. */
  settled?: Settled;
};

/**
 * Brings one resource a step nearer to its spec: observe, decide, apply, status.
 * @returns a function of `namespace/name`; it throws KubeError where objects could not be read or the
 *   status could not be written
 */
export const makeReconcile = (
  options: ReconcileOptions,
): ((key: string, isPoll?: boolean) => Promise<Reconciled>) => {
  const { client, settings, recordEvent, logger, metrics } = options;
  const memories = new Map<string, Memory>();

  /** A resource that was created again under the same name starts without a memory. */
  const memoryOf = (key: string, { metadata }: MovieTicketing): Memory => {
    const memory = memories.get(key);
    return memory?.uid === metadata.uid
      ? memory
      : { uid: metadata.uid, refusals: new Map(), namespaceIsTerminating: false };
  };

  const reportUnobserved = async (resource: MovieTicketing, error: KubeError): Promise<void> => {
    const status = unlessSame(resource.status, unobservedStatus(resource, error, new Date()));
    if (status !== resource.status) await writeStatus(client, resource, status);
  };

  const read = async (resource: MovieTicketing, memory: Memory): Promise<Observed> => {
    try {
      return await observe(client, resource, memory);
    } catch (error) {
      // Without an answer the status cannot be written either.
      if (error instanceof KubeError && error.status !== 0) await reportUnobserved(resource, error);
      throw error;
    }
  };

  return async (key, isPoll = false) => {
    const settled = memories.get(key)?.settled;
    if (isPoll && settled !== undefined && (await isStillSettled(client, settled, new Date())))
      return { requeueAfterMs: spread(pollMs(settled.resource)) };
    const resource = await readResource(client, key);
    if (resource === undefined) {
      memories.delete(key);
      metrics?.forget(key);
      return {};
    }
    const before = memoryOf(key, resource);
    const observed = await read(resource, before);
    const plan = decide(observed, settings);
    metrics?.record(key, resource, plan.status);
    const applied = await carryOut({ client, recordEvent }, resource, plan);
    memories.set(key, nextMemory(before, observed, plan, applied));
    logOutcome(logger, key, before.refusals, applied);
    const laterMs = plan.requeueAfterMs ?? spread(pollMs(resource));
    return { requeueAfterMs: isOutdated(applied) ? retrySoonMs : laterMs };
  };
};

/** The next plan shows what was refused and waits until it may be sent again. */
const isOutdated = ({ refusals, namespaceIsTerminating, current }: Applied): boolean =>
  refusals.size > 0 || namespaceIsTerminating || !current;

const nextMemory = (before: Memory, observed: Observed, plan: Plan, applied: Applied): Memory => {
  const isSettled =
    !isOutdated(applied) && applied.writes === 0 && plan.requeueAfterMs === undefined;
  return {
    uid: before.uid,
    refusals: nextRefusals(before.refusals, applied.refusals, plan.withheld, observed.now),
    namespaceIsTerminating: before.namespaceIsTerminating || applied.namespaceIsTerminating,
    optionalKinds: optionalKindsIn(observed),
    ...(isSettled ? { settled: settledFrom(observed) } : {}),
  };
};

const logOutcome = (
  logger: Logger,
  resource: string,
  before: Refusals,
  { writes, refusals }: Applied,
): void => {
  if (writes > 0) logger.debug({ resource, writes }, 'objects written');
  for (const [object, { message, status }] of newlyRefused(before, refusals)) {
    logger.warn({ resource, object, status, refusal: message }, 'object refused');
  }
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
