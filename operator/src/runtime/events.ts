import { createHash } from 'node:crypto';
import type { Logger } from '@movie-ticketing/kit/logging';

import type { KubeClient } from './client.ts';
import type { KubeObject } from './kube-object.ts';
import { realTimers, type Timers } from './timers.ts';

export type RuntimeEvent = { type: 'Normal' | 'Warning'; reason: string; message: string };

/** Tells what happened to an object, for `kubectl describe`. It never waits and never fails. */
export type EventRecorder = {
  /** The same event again raises a count. One object's events are bounded: 25 at once, then one in 10 s. */
  record(about: KubeObject, event: RuntimeEvent): void;
  /** Sends what waits, for at most `withinMs`. */
  stop(withinMs: number): Promise<void>;
};

const BURST = 25;
const REFILL_MS = 10_000;
const WAITING_LIMIT = 200;
const REMEMBERED_LIMIT = 1_000;
const MESSAGE_LIMIT = 1_024;

type Told = {
  name: string;
  count: number;
  first: string;
  last: string;
  about: KubeObject;
  event: RuntimeEvent;
};

/** Seconds, as these times are written. */
const wallTime = (): string => new Date().toISOString().replace(/\.\d+Z$/, 'Z');

export const makeEventRecorder = (options: {
  client: KubeClient;
  /** Which program tells, and which of its replicas. */
  component: string;
  instance: string;
  logger: Logger;
  timers?: Timers;
}): EventRecorder => {
  const { client, component, instance, logger } = options;
  const mayTell = makeBuckets(options.timers ?? realTimers);
  const told = new Map<string, Told>(); // oldest first
  const waiting = new Map<string, Told>();
  const stopping = new AbortController();
  let sending: Promise<void> | undefined;

  const send = async (): Promise<void> => {
    for (const [name, one] of waiting) {
      waiting.delete(name);
      const call = { signal: stopping.signal, attempts: 3 };
      await client.apply(asObject(one, component, instance), call).catch((error: unknown) => {
        logger.debug({ error, reason: one.event.reason }, 'an event was not recorded');
      });
    }
    sending = undefined;
  };

  return {
    record: (about, event) => {
      if (stopping.signal.aborted || !mayTell(about.metadata.uid ?? about.metadata.name)) return;
      const one = tellAgain(told, nameOf(about, event, instance), about, event);
      waiting.set(one.name, one);
      dropOldest(waiting, WAITING_LIMIT);
      sending ??= send();
    },
    stop: async (withinMs) => {
      const late = setTimeout(() => {
        stopping.abort();
      }, withinMs);
      await sending;
      clearTimeout(late);
      stopping.abort();
    },
  };
};

/** Counts how often it was told, and since when. */
const tellAgain = (
  told: Map<string, Told>,
  name: string,
  about: KubeObject,
  event: RuntimeEvent,
): Told => {
  const before = told.get(name);
  const last = wallTime();
  const count = (before?.count ?? 0) + 1;
  const one = { name, about, event, last, first: before?.first ?? last, count };
  told.delete(name); // now the newest
  told.set(name, one);
  dropOldest(told, REMEMBERED_LIMIT);
  return one;
};

const dropOldest = (map: Map<string, unknown>, limit: number): void => {
  const [oldest] = map.keys();
  if (map.size > limit && oldest !== undefined) map.delete(oldest);
};

/** A token bucket for each object. */
const makeBuckets = (timers: Timers): ((id: string) => boolean) => {
  const buckets = new Map<string, { tokens: number; at: number }>();
  return (id) => {
    const now = timers.now();
    const { tokens, at } = buckets.get(id) ?? { tokens: BURST, at: now };
    const filled = Math.min(BURST, tokens + (now - at) / REFILL_MS);
    buckets.delete(id);
    dropOldest(buckets, REMEMBERED_LIMIT - 1);
    buckets.set(id, { tokens: filled < 1 ? filled : filled - 1, at: now });
    return filled >= 1;
  };
};

/** The same words about the same object have the same name, so that they are one event with a count. */
const nameOf = (about: KubeObject, event: RuntimeEvent, instance: string): string => {
  const same = [about.kind, about.metadata.uid, event.type, event.reason, event.message, instance];
  const hash = createHash('sha256').update(JSON.stringify(same)).digest('hex').slice(0, 16);
  return `${about.metadata.name.slice(0, 230)}.${hash}`;
};

const asObject = (
  { name, count, first, last, about, event }: Told,
  component: string,
  instance: string,
): KubeObject & Record<string, unknown> => {
  const { apiVersion, kind } = about;
  const { namespace = 'default', uid, resourceVersion } = about.metadata;
  return {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name, namespace },
    involvedObject: {
      apiVersion,
      kind,
      name: about.metadata.name,
      namespace,
      uid,
      resourceVersion,
    },
    type: event.type,
    reason: event.reason,
    message: event.message.slice(0, MESSAGE_LIMIT),
    source: { component, host: instance },
    reportingComponent: component,
    reportingInstance: instance,
    firstTimestamp: first,
    lastTimestamp: last,
    count,
  };
};
