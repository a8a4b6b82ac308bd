import type { Logger } from '@movie-ticketing/kit/logging';

import { fullJitter, pause } from './backoff.ts';
import type { KubeClient } from './client.ts';
import type { Selection, WatchEvent } from './list-watch.ts';
import { hasReason, KubeError } from './kube-error.ts';
import { makeObjectStore, type ObjectStore, type OnChange } from './object-store.ts';
import type { Kind, KubeObject } from './kube-object.ts';
import type { ReflectorMetrics } from './reflector-metrics.ts';

export type Reflector<T extends KubeObject> = {
  start(): void;
  stop(): Promise<void>;
  /** The first list was read, so what is not in the store was not there. */
  hasSynced(): boolean;
  /** Since the API server was last heard: a list, an event or a bookmark. */
  lastEventAgeMs(): number;
  get(key: string): T | undefined;
  list(): T[];
};

export type ReflectorOptions<T extends KubeObject> = {
  client: KubeClient;
  kind: Kind;
  namespace?: string;
  labelSelector?: string;
  /** What of an object stays in memory; all of it unless set. Metadata must stay. */
  keep?: (object: T) => T;
  onChange: OnChange<T>;
  logger: Logger;
  metrics?: ReflectorMetrics;
  /** How often all is listed anew, should a watch have missed something. An hour unless set. */
  relistMs?: number;
  /** Bookmarks come about every minute: a stream silent for longer is cut and resumed. */
  idleTimeoutMs?: number;
  /** The server ends a watch after one to two of these. */
  watchSeconds?: number;
  backoff?: { baseMs: number; capMs: number };
};

const DEFAULTS = {
  relistMs: 60 * 60_000,
  idleTimeoutMs: 180_000,
  watchSeconds: 300,
  backoff: { baseMs: 200, capMs: 30_000 },
};

/** A watch that ends sooner than this without a word is a failure, lest it be begun in a hot loop. */
const SOON_MS = 1_000;

type Context<T extends KubeObject> = {
  settings: ReflectorOptions<T> & typeof DEFAULTS;
  store: ObjectStore<T>;
  state: { synced: boolean; heardAt: number; failures: number };
  stopping: AbortSignal;
};

/**
 * Holds the objects of a kind as the API server has them: lists, then watches from there, and lists
 * anew when the server no longer knows from where (410). It never gives up: errors are logged and
 * waited out.
 */
export const makeReflector = <T extends KubeObject>(options: ReflectorOptions<T>): Reflector<T> => {
  const kind = options.kind.kind;
  const store = makeObjectStore<T>(options.onChange, (error, key) => {
    options.logger.error({ error, kind, key }, 'a change could not be handled');
  });
  const state = { synced: false, heardAt: performance.now(), failures: 0 };
  const stopping = new AbortController();
  const settings = { ...DEFAULTS, ...options };
  const context = { settings, store, state, stopping: stopping.signal };
  const lastEventAgeMs = (): number => performance.now() - state.heardAt;
  let loop: Promise<void> | undefined;
  options.metrics?.observe(kind, () => ({
    ageMs: lastEventAgeMs(),
    synced: state.synced,
    objects: store.size(),
  }));
  return {
    start: () => {
      loop ??= listAndWatch(context);
    },
    stop: async () => {
      stopping.abort();
      await loop;
    },
    hasSynced: () => state.synced,
    lastEventAgeMs,
    get: store.get,
    list: store.list,
  };
};

const listAndWatch = async <T extends KubeObject>(context: Context<T>): Promise<void> => {
  while (!context.stopping.aborted) {
    try {
      await watchUntilStale(context, await list(context));
    } catch (error) {
      await waitOut(context, error, 'list');
    }
  }
};

const selectionOf = <T extends KubeObject>({ settings }: Context<T>): Selection => ({
  ...(settings.namespace === undefined ? {} : { namespace: settings.namespace }),
  ...(settings.labelSelector === undefined ? {} : { labelSelector: settings.labelSelector }),
});

/** Resolves with the version that the list is of. */
const list = async <T extends KubeObject>(context: Context<T>): Promise<string> => {
  const { settings, store, state, stopping } = context;
  settings.metrics?.listed(settings.kind.kind);
  const call = { signal: stopping };
  const listed = await settings.client.list<T>(settings.kind, selectionOf(context), call);
  state.heardAt = performance.now();
  store.replace(settings.keep === undefined ? listed.items : listed.items.map(settings.keep));
  state.synced = true;
  return listed.resourceVersion;
};

/** Watches, and resumes, until a list is due or the version is too old. */
const watchUntilStale = async <T extends KubeObject>(
  context: Context<T>,
  version: string,
): Promise<void> => {
  const { settings, state, stopping } = context;
  const from = { version };
  const relist = AbortSignal.timeout(Math.round(settings.relistMs * (0.8 + 0.4 * Math.random())));
  const until = AbortSignal.any([stopping, relist]);
  for (;;) {
    const began = performance.now();
    const ended: unknown = await watchOnce(context, from, until).catch((error: unknown) => error);
    if (until.aborted) return;
    settings.metrics?.watchEnded(settings.kind.kind, reasonOf(ended));
    const wentWell = state.heardAt > began || performance.now() - began >= SOON_MS;
    if (wentWell) state.failures = 0;
    if (!wentWell || (ended !== undefined && !isTooOld(ended)))
      await waitOut(context, ended, 'watch');
    if (isTooOld(ended)) return;
  }
};

/** Resolves when the server ends the stream; `from` keeps up with it. */
const watchOnce = async <T extends KubeObject>(
  context: Context<T>,
  from: { version: string },
  until: AbortSignal,
): Promise<void> => {
  const { settings, store, state } = context;
  const events = settings.client.watch<T>(settings.kind, {
    ...selectionOf(context),
    resourceVersion: from.version,
    timeoutSeconds: Math.round(settings.watchSeconds * (1 + Math.random())),
    idleTimeoutMs: settings.idleTimeoutMs,
    signal: until,
  });
  for await (const event of events) {
    state.heardAt = performance.now();
    store.take(keptOf(event, settings.keep));
    from.version = event.object.metadata.resourceVersion ?? from.version;
  }
};

const keptOf = <T>(event: WatchEvent<T>, keep: ((object: T) => T) | undefined): WatchEvent<T> =>
  event.type === 'BOOKMARK' || keep === undefined
    ? event
    : { type: event.type, object: keep(event.object) };

const waitOut = async <T extends KubeObject>(
  { settings, state, stopping }: Context<T>,
  error: unknown,
  doing: string,
): Promise<void> => {
  if (stopping.aborted) return;
  const { capMs } = settings.backoff;
  const asked = error instanceof KubeError ? Math.min(error.retryAfterMs, capMs) : 0;
  const waitMs = Math.round(asked + fullJitter(state.failures, settings.backoff));
  state.failures += 1;
  const kind = settings.kind.kind;
  settings.logger.warn({ error, kind, doing, waitMs }, 'the API server is asked again soon');
  await pause(waitMs, stopping);
};

const reasonOf = (ended: unknown): string =>
  ended === undefined ? 'Finished' : ended instanceof KubeError ? ended.reason : 'Error';

const isTooOld = (error: unknown): boolean =>
  hasReason(error, 'Expired', 'Gone') || (error instanceof KubeError && error.status === 410);
