import type { Logger } from '@movie-ticketing/kit/logging';

import { fullJitter, pause } from './backoff.ts';
import type { KubeClient } from './client.ts';
import { hasReason, KubeError } from './kube-error.ts';
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

/** A watch that ends sooner than this without a word is a failure, lest it be begun in a hot loop. */
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
        await this.#watchUntilStale(await this.#list());
      } catch (error) {
        await this.#waitOut(error, 'list');
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
    const listed = new Set(items.map(keyOf));
    for (const key of [...this.#objects.keys()]) if (!listed.has(key)) this.#put(key, undefined);
    for (const item of items) this.#put(keyOf(item), item);
    this.#synced = true;
    return resourceVersion;
  }

  /** Watches, and resumes, until a list is due or the version is too old. */
  async #watchUntilStale(version: string): Promise<void> {
    const { kind, metrics } = this.#options;
    const from = { version };
    const dueMs = Math.round(this.#pace.relistMs * (0.8 + 0.4 * Math.random()));
    const until = AbortSignal.any([this.#stopping.signal, AbortSignal.timeout(dueMs)]);
    for (;;) {
      const began = performance.now();
      const ended: unknown = await this.#watch(from, until).catch((error: unknown) => error);
      if (until.aborted) return;
      metrics.watchEnds.inc({ kind: kind.kind, reason: reasonOf(ended) });
      const wentWell = this.#heardAt > began || performance.now() - began >= SOON_MS;
      if (wentWell) this.#failures = 0;
      if (!wentWell || (ended !== undefined && !isTooOld(ended)))
        await this.#waitOut(ended, 'watch');
      if (isTooOld(ended)) return;
    }
  }

  /** Resolves when the server ends the stream; `from` keeps up with it. */
  async #watch(from: { version: string }, signal: AbortSignal): Promise<void> {
    const { client, kind } = this.#options;
    const { idleTimeoutMs, watchSeconds } = this.#pace;
    const events = client.watch(kind, {
      ...this.#selection,
      resourceVersion: from.version,
      timeoutSeconds: Math.round(watchSeconds * (1 + Math.random())),
      idleTimeoutMs,
      signal,
    });
    for await (const { type, object } of events) {
      this.#heardAt = performance.now();
      if (type !== 'BOOKMARK') this.#put(keyOf(object), type === 'DELETED' ? undefined : object);
      from.version = object.metadata.resourceVersion ?? from.version;
    }
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

  async #waitOut(error: unknown, doing: string): Promise<void> {
    if (this.#stopping.signal.aborted) return;
    const { backoff } = this.#pace;
    const asked = error instanceof KubeError ? Math.min(error.retryAfterMs, backoff.capMs) : 0;
    const waitMs = Math.round(asked + fullJitter(this.#failures, backoff));
    this.#failures += 1;
    const told = { error, ...this.labels, doing, waitMs };
    this.#options.logger.warn(told, 'the API server is asked again soon');
    await pause(waitMs, this.#stopping.signal);
  }
}

/** What is large stays out of memory; so do annotations, where kubectl notes what it applied: a Secret. */
const outlineOf = ({ apiVersion, kind, metadata }: KubeObject): KubeObject => {
  const { annotations: _, managedFields: __, ...kept } = metadata;
  return { apiVersion, kind, metadata: kept };
};

const reasonOf = (ended: unknown): string =>
  ended === undefined ? 'Finished' : ended instanceof KubeError ? ended.reason : 'Error';

const isTooOld = (error: unknown): boolean =>
  hasReason(error, 'Expired', 'Gone') || (error instanceof KubeError && error.status === 410);
