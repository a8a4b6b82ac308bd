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
  /** What has become of an object: nothing now, or nothing before. A throw is logged. */
  onChange: (key: string, object: KubeObject | undefined, before: KubeObject | undefined) => void;
  logger: Logger;
  metrics: ControllerMetrics;
  /** For tests, which cannot wait for so long. */
  pace?: Partial<typeof PACE>;
};

const PACE = {
  /** How often all is listed anew, should a watch have missed something. */
  relistMs: 60 * 60_000,
  /** Bookmarks come about every minute: a stream silent for longer is cut and resumed. */
  idleTimeoutMs: 180_000,
  /** The server ends a watch after one to two of these. */
  watchSeconds: 300,
  /** Between tries, and what the server may ask for on top. */
  backoff: { baseMs: 200, capMs: 30_000 },
};

/** A watch that ends sooner than this is a failure, lest it be begun in a hot loop. */
const SOON_MS = 1_000;

/**
 * Knows which objects of a kind there are, by an outline of each alone. It lists, then watches from
 * there, and lists anew when the server no longer knows from where (410). It never gives up: errors
 * are logged and waited out.
 */
export class Reflector {
  /** Of its metrics. */
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

  /** The first list was read, so what is not in `list` was not there. */
  hasSynced(): boolean {
    return this.#synced;
  }

  /** Since the API server was last heard: a list, an event or a bookmark. */
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
        if (isTooOld(error)) this.#version = undefined;
        await this.#waitOut(error);
      }
    }
  }

  /** Resolves with the version that the list is of. */
  async #list(): Promise<string> {
    const { client, kind, metrics } = this.#options;
    metrics.lists.inc({ kind: kind.kind });
    const call = { signal: this.#stopping.signal };
    const { items, resourceVersion } = await client.list(kind, this.#selection, call);
    this.#heardAt = performance.now();
    this.#listAt = this.#heardAt + this.#pace.relistMs * (0.8 + 0.4 * Math.random());
    const listed = new Set(items.map(keyOf));
    for (const key of [...this.#objects.keys()]) if (!listed.has(key)) this.#put(key, undefined);
    for (const item of items) this.#put(keyOf(item), item);
    this.#synced = true;
    return resourceVersion;
  }

  /** Resolves when the server ends the stream in its own time. `#version` keeps up with it. */
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
        this.#heardAt = performance.now();
        if (type !== 'BOOKMARK') this.#put(keyOf(object), type === 'DELETED' ? undefined : object);
        this.#version = object.metadata.resourceVersion ?? this.#version;
      }
    } finally {
      if (performance.now() - began >= SOON_MS) this.#failures = 0;
    }
    if (performance.now() - began < SOON_MS)
      throw new KubeError('the watch ended at once', { status: 0, reason: 'EndedAtOnce' });
  }

  #put(key: string, seen: KubeObject | undefined): void {
    const before = this.#objects.get(key);
    const object = seen && outlineOf(seen);
    if (object === undefined) this.#objects.delete(key);
    else this.#objects.set(key, object);
    // A list or a resumed watch brings again what is known already.
    const isKnown =
      before?.metadata.uid === object?.metadata.uid &&
      before?.metadata.resourceVersion === object?.metadata.resourceVersion;
    if (isKnown) return;
    try {
      this.#options.onChange(key, object, before);
    } catch (error) {
      this.#options.logger.error({ error, ...this.labels, key }, 'a change could not be handled');
    }
  }

  async #waitOut(error: unknown): Promise<void> {
    const { signal } = this.#stopping;
    if (signal.aborted) return;
    const waitMs = Math.round(retryDelay(error, this.#failures, this.#pace.backoff));
    this.#failures += 1;
    const told = { error, ...this.labels, waitMs };
    this.#options.logger.warn(told, 'the API server is asked again soon');
    await pause(waitMs, signal);
  }
}

/** What is large stays out of memory; so do annotations, where kubectl notes what it applied: a Secret. */
const outlineOf = ({ apiVersion, kind, metadata }: KubeObject): KubeObject => {
  const { annotations: _, managedFields: __, ...kept } = metadata;
  return { apiVersion, kind, metadata: kept };
};

const isTooOld = (error: unknown): boolean => error instanceof KubeError && error.status === 410;
