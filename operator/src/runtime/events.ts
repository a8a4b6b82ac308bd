import { createHash } from 'node:crypto';
import type { Logger } from '@movie-ticketing/kit/logging';

import type { KubeClient } from './client.ts';
import type { KubeObject } from './kube-object.ts';

export type RuntimeEvent = { type: 'Normal' | 'Warning'; reason: string; message: string };

/** Records events about an object, for `kubectl describe`. It never waits and never throws. */
export type EventRecorder = {
  /** A repeated event raises its count. At most 25 events are recorded for one object in ten minutes. */
  record(about: KubeObject, event: RuntimeEvent): void;
  /** Sends waiting events, for at most `withinMs`. */
  stop(withinMs: number): Promise<void>;
};

type Options = {
  client: KubeClient;
  /** The program that reports, and its replica. */
  component: string;
  instance: string;
  logger: Logger;
};

const WINDOW_MS = 600_000;
const EVENTS_PER_OBJECT = 25;
const WAITING_LIMIT = 200;
const MESSAGE_LIMIT = 1_024;

/** Recent events: their number by object, and each event by its name. */
type Window = { began: number; objects: Map<string, number>; events: Map<string, Repeated> };
type Repeated = { count: number; first: string; last: string };

const makeWindow = (): Window => ({
  began: performance.now(),
  objects: new Map(),
  events: new Map(),
});

export const makeEventRecorder = (options: Options): EventRecorder => {
  const { client, logger } = options;
  const waiting = new Map<string, KubeObject>(); // by name: only the newest count of an event is sent
  const stopping = new AbortController();
  let sending: Promise<void> | undefined;
  let window = makeWindow();

  const send = async (): Promise<void> => {
    for (const [name, event] of waiting) {
      waiting.delete(name);
      const call = { signal: stopping.signal, attempts: 3 };
      await client.apply(event, call).catch((error: unknown) => {
        logger.debug({ error, event: name }, 'recording an event failed');
      });
    }
    sending = undefined;
  };

  return {
    record: (about, event) => {
      if (stopping.signal.aborted || waiting.size >= WAITING_LIMIT) return;
      if (performance.now() >= window.began + WINDOW_MS) window = makeWindow();
      if (!isWithinLimit(window, about)) return;
      const name = nameOf(about, event, `${options.instance} ${String(window.began)}`);
      const repeated = countEvent(window, name);
      waiting.set(name, asObject(options, about, event, { name, ...repeated }));
      sending ??= send();
    },
    stop: async (withinMs) => {
      const timer = setTimeout(() => {
        stopping.abort();
      }, withinMs);
      await sending;
      clearTimeout(timer);
      stopping.abort();
    },
  };
};

const isWithinLimit = ({ objects }: Window, about: KubeObject): boolean => {
  const id = about.metadata.uid ?? about.metadata.name;
  const recorded = objects.get(id) ?? 0;
  objects.set(id, recorded + 1);
  return recorded < EVENTS_PER_OBJECT;
};

const countEvent = ({ events }: Window, name: string): Repeated => {
  const last = new Date().toISOString().replace(/\.\d+Z$/, 'Z'); // the format of these fields has seconds only
  const { count = 0, first = last } = events.get(name) ?? {};
  const repeated = { count: count + 1, first, last };
  events.set(name, repeated);
  return repeated;
};

/** The same message about the same object has the same name, so that it is one event with a count. */
const nameOf = (about: KubeObject, event: RuntimeEvent, source: string): string => {
  const same = [about.kind, about.metadata.uid, event.type, event.reason, event.message, source];
  const hash = createHash('sha256').update(JSON.stringify(same)).digest('hex').slice(0, 16);
  return `${about.metadata.name.slice(0, 230)}.${hash}`;
};

const asObject = (
  { component, instance }: Options,
  { apiVersion, kind, metadata }: KubeObject,
  { type, reason, message }: RuntimeEvent,
  { name, count, first, last }: Repeated & { name: string },
): KubeObject => {
  const { namespace = 'default', uid, resourceVersion } = metadata;
  return {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name, namespace },
    involvedObject: { apiVersion, kind, name: metadata.name, namespace, uid, resourceVersion },
    type,
    reason,
    message: message.slice(0, MESSAGE_LIMIT),
    source: { component, host: instance },
    reportingComponent: component,
    reportingInstance: instance,
    firstTimestamp: first,
    lastTimestamp: last,
    count,
  };
};
