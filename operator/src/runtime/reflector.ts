import type { Logger } from '@movie-ticketing/kit/logging';

import { pause, retryDelay } from './backoff.ts';
import type { KubeClient } from './client.ts';
import { KubeError } from './kube-error.ts';
import { keyOf, type Kind, type KubeObject } from './kube-object.ts';
import type { Selection } from './list-watch.ts';
import type { ControllerMetrics } from './metrics.ts';

export type ReflectorOptions = {
  client: KubeClient;
  kind: Kind;
  namespace?: string;
  labelSelector?: string;
  /** Called with the state of an object after and before a change, undefined where it does not exist. A throw is logged. */
  onChange: (key: string, object: KubeObject | undefined, before: KubeObject | undefined) => void;
  logger: Logger;
  metrics: ControllerMetrics;
  /** For tests. */
  pace?: Partial<typeof PACE>;
};

const PACE = {
  /** Time until a new list, in case a watch missed a change. */
  relistMs: 60 * 60_000,
  /** Bookmarks arrive about every minute. A stream that is silent for longer is closed and resumed. */
  idleTimeoutMs: 180_000,
  /** The server ends a watch after one to two of these. */
  watchSeconds: 300,
  /** Between retries, in addition to the server's Retry-After. */
  backoff: { baseMs: 200, capMs: 30_000 },
  /** The same error is logged again after this time. */
  logAgainMs: 10 * 60_000,
};

/** A watch that ends sooner than this counts as failed, so that it is not restarted in a hot loop. */
const MIN_WATCH_MS = 1_000;

/**
 * Knows the metadata of all objects of a kind. It lists, then watches from there, and lists again when
 * the server no longer knows the version (410). It never gives up: after an error it retries with
 * back-off.
 */
export class Reflector {
  /** Labels of its metrics. */
  readonly labels: { kind: string; namespace: string };
  readonly #options: ReflectorOptions;
  readonly #pace: typeof PACE;
  readonly #selection: Selection;
  readonly #objects = new Map<string, KubeObject>();
  readonly #stopping = new AbortController();
  #loop: Promise<void> | undefined;
  #synced = false;
  #heardAt = performance.now();
  #failures = 0;
  #logged: { message: string; at: number } | undefined;
  #version: string | undefined;
  #listAt = 0;

  constructor(options: ReflectorOptions) {
    const { namespace, labelSelector } = options;
    this.labels = { kind: options.kind.kind, namespace: namespace ?? '' };
    this.#options = options;
    this.#pace = { ...PACE, ...options.pace };
    this.#selection = {
      ...(namespace !== undefined && { namespace }),
      ...(labelSelector !== undefined && { labelSelector }),
      metadataOnly: true,
    };
  }

  start(): void {
    this.#loop ??= this.#listAndWatch();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#loop;
  }

  /** Whether the first list was read, so that `list` is complete. */
  hasSynced(): boolean {
    return this.#synced;
  }

  /** Time since the API server was last heard: a list, an event, a bookmark or an error response. */
  lastEventAgeMs(): number {
    return performance.now() - this.#heardAt;
  }

  list(): KubeObject[] {
    return [...this.#objects.values()];
  }

  async #listAndWatch(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      try {
        const isListDue = performance.now() >= this.#listAt;
        if (this.#version === undefined || isListDue) this.#version = await this.#list();
        await this.#watch(this.#version);
      } catch (error) {
        if (needsList(error)) this.#version = undefined;
        await this.#waitAfter(error);
      }
    }
  }

  /** Resolves with the version of the list. */
  async #list(): Promise<string> {
    const { client, kind, metrics } = this.#options;
    metrics.lists.inc({ kind: kind.kind });
    const call = { signal: this.#stopping.signal };
    const { items, resourceVersion } = await client.list(kind, this.#selection, call);
    this.#heard();
    this.#listAt = this.#heardAt + this.#pace.relistMs * (0.8 + 0.4 * Math.random());
    const listed = new Set(items.map(keyOf));
    for (const key of [...this.#objects.keys()]) if (!listed.has(key)) this.#put(key, undefined);
    for (const item of items) this.#put(keyOf(item), item);
    this.#synced = true;
    return resourceVersion;
  }

  /** Resolves when the server ends the stream regularly. Keeps `#version` up to date. */
  async #watch(resourceVersion: string): Promise<void> {
    const { client, kind } = this.#options;
    const { idleTimeoutMs, watchSeconds } = this.#pace;
    const began = performance.now();
    const events = client.watch(kind, {
      ...this.#selection,
      resourceVersion,
      timeoutSeconds: Math.round(watchSeconds * (1 + Math.random())),
      idleTimeoutMs,
      signal: this.#stopping.signal,
    });
    try {
      for await (const { type, object } of events) {
        this.#heard();
        if (type !== 'BOOKMARK') this.#put(keyOf(object), type === 'DELETED' ? undefined : object);
        this.#version = object.metadata.resourceVersion ?? this.#version;
      }
    } finally {
      if (performance.now() - began >= MIN_WATCH_MS) this.#failures = 0;
    }
    if (performance.now() - began < MIN_WATCH_MS)
      throw new KubeError('the watch ended within a second', { status: 0, reason: 'WatchEnded' });
    this.#heard();
  }

  #heard(): void {
    this.#heardAt = performance.now();
    if (this.#logged === undefined) return;
    this.#logged = undefined;
    this.#options.logger.info(this.labels, 'list/watch works again');
  }

  #put(key: string, seen: KubeObject | undefined): void {
    const before = this.#objects.get(key);
    const object = seen && outlineOf(seen);
    if (object === undefined) this.#objects.delete(key);
    else this.#objects.set(key, object);
    // A list or a resumed watch repeats what is already known.
    const isKnown =
      before?.metadata.uid === object?.metadata.uid &&
      before?.metadata.resourceVersion === object?.metadata.resourceVersion;
    if (isKnown) return;
    try {
      this.#options.onChange(key, object, before);
    } catch (error) {
      this.#options.logger.error({ error, ...this.labels, key }, 'handling a change failed');
    }
  }

  async #waitAfter(error: unknown): Promise<void> {
    const { signal } = this.#stopping;
    if (signal.aborted) return;
    // An error response shows that this loop is not stuck.
    if (error instanceof KubeError && error.status > 0) this.#heardAt = performance.now();
    const waitMs = Math.round(retryDelay(error, this.#failures, this.#pace.backoff));
    this.#failures += 1;
    this.#logFailure(error);
    await pause(waitMs, signal);
  }

  /** Once for each new error, not once for each retry. */
  #logFailure(error: unknown): void {
    const message = String(error);
    const now = performance.now();
    const { logAgainMs } = this.#pace;
    if (this.#logged?.message === message && now < this.#logged.at + logAgainMs) return;
    this.#logged = { message, at: now };
    this.#options.logger.warn(
      { error, ...this.labels },
      'list/watch failed, retrying with back-off',
    );
  }
}

/** Only metadata is kept, and no annotations: kubectl stores the applied object in one, a Secret too. */
const outlineOf = ({ apiVersion, kind, metadata }: KubeObject): KubeObject => {
  const { annotations: _, managedFields: __, ...kept } = metadata;
  return { apiVersion, kind, metadata: kept };
};

/** The version is too old (410), or the kind is not served: its CRD may come back with other objects. */
const needsList = (error: unknown): boolean =>
  error instanceof KubeError && (error.status === 410 || error.reason === 'KindNotServed');
