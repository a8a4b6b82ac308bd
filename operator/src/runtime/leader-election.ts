import type { Logger } from '@movie-ticketing/kit/logging';
import type { Registry } from '@movie-ticketing/kit/metrics';

import { pause } from './backoff.ts';
import type { KubeClient } from './client.ts';
import { hasReason, KubeError } from './kube-error.ts';
import type { KubeObject, ObjectRef } from './kube-object.ts';
import { makeGauge } from './metrics.ts';
import type { CallOptions } from './requests.ts';

/** coordination.k8s.io/v1; its times have microseconds (V1MicroTime). */
export type Lease = KubeObject & { spec?: LeaseSpec };

type LeaseSpec = {
  holderIdentity?: string;
  leaseDurationSeconds?: number;
  acquireTime?: string;
  renewTime?: string;
  leaseTransitions?: number;
};

export type LeaderElectionOptions = {
  client: KubeClient;
  namespace: string;
  name: string;
  /** Unique among all candidates, and different after a restart. */
  identity: string;
  /** Called once, when this process becomes the leader. */
  onLeading: () => void;
  /** Called once, when leadership is lost other than by `stop`: the process must exit. */
  onLost: (reason: string) => void;
  logger: Logger;
  registry: Registry;
  /**
   * Another candidate takes over after this time without a renewal. The leader gives up earlier, after
   * two thirds of it. The default leaves 15 s room for the takeover of a killed leader.
   */
  leaseDurationMs?: number;
};

type Outcome = 'held' | 'held by another' | 'unknown';

/**
 * Elects one leader among the replicas with a Lease. A Lease does not fence: a request that a leader
 * sent before it froze can still take effect. So every write asks `isLeading` first
 * (refuseWritesUnless), and writes are harmless when late: server-side apply, deletes by uid.
 * `isLeading` turns false by the local clock, before another candidate can take over.
 */
export class LeaderElection {
  readonly #options: LeaderElectionOptions;
  readonly #ref: ObjectRef;
  readonly #leaseMs: number;
  readonly #renewWithinMs: number;
  readonly #stopping = new AbortController();
  #loop: Promise<void> | undefined;
  /** The Lease as this process last wrote it. */
  #lease: Lease | undefined;
  /** By the local clock. */
  #leadsUntil = -Infinity;
  /** When the version of another candidate's Lease was first seen, by the local clock: clocks differ. */
  #seen: { version: string | undefined; at: number } = { version: undefined, at: 0 };
  /** When that Lease expires, by the local clock. */
  #expiresAt = Infinity;

  constructor(options: LeaderElectionOptions) {
    const { registry, namespace, name, leaseDurationMs = 12_000 } = options;
    this.#options = options;
    this.#ref = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', namespace, name };
    this.#leaseMs = leaseDurationMs;
    this.#renewWithinMs = (leaseDurationMs * 2) / 3;
    const metric = {
      name: 'leader_election_master_status',
      help: 'Whether this process is the leader',
      labelNames: ['name'],
    } as const;
    makeGauge(registry, metric, () => [[{ name }, Number(this.isLeading())]]);
  }

  start(): void {
    this.#loop ??= this.#run();
  }

  readonly isLeading = (): boolean => performance.now() < this.#leadsUntil;

  /** Releases the Lease, so that another candidate leads at its next attempt. Call it after the work has stopped. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#loop;
    if (this.#lease !== undefined && this.isLeading()) await this.#release(this.#lease);
    this.#leadsUntil = -Infinity;
  }

  async #run(): Promise<void> {
    const { name, identity, onLeading, onLost, logger } = this.#options;
    const { signal } = this.#stopping;
    while (!signal.aborted && (await this.#attempt()) !== 'held') await this.#pause();
    if (signal.aborted) return;
    logger.info({ lease: name, identity }, 'became the leader');
    onLeading();
    const reason = await this.#renewUntilLost();
    if (reason === undefined) return;
    this.#leadsUntil = -Infinity;
    onLost(reason);
  }

  /** Resolves with the reason of the loss, or with undefined when stopping. */
  async #renewUntilLost(): Promise<string | undefined> {
    for (;;) {
      await this.#pause();
      if (this.#stopping.signal.aborted) return undefined;
      // A process that froze past its deadline does not renew, even if nobody has taken over yet.
      const outcome = this.isLeading() ? await this.#attempt() : 'unknown';
      if (outcome === 'held by another') return 'another process holds the Lease';
      if (!this.isLeading()) return 'the Lease was not renewed in time';
    }
  }

  /** Until the next attempt: an eighth of the lease, or when the Lease of another candidate expires. */
  #pause(): Promise<void> {
    const retryMs = (this.#leaseMs / 8) * (0.8 + 0.4 * Math.random());
    const untilExpiryMs = Math.max(0, this.#expiresAt - performance.now());
    return pause(Math.ceil(Math.min(retryMs, untilExpiryMs)), this.#stopping.signal);
  }

  /** Acquires or renews the Lease, unless another candidate holds it. */
  async #attempt(): Promise<Outcome> {
    const { client, name, logger } = this.#options;
    // Counted from before the request, because the server's renewal can only be later.
    const startedAt = performance.now();
    this.#expiresAt = Infinity;
    const call = this.#callAt(startedAt);
    const known = this.#lease;
    try {
      const current = known ?? (await client.get<Lease>(this.#ref, call));
      if (current !== undefined && !this.#isFree(current)) return 'held by another';
      this.#lease = await this.#write(current, call);
      this.#leadsUntil = startedAt + this.#renewWithinMs;
      return 'held';
    } catch (error) {
      this.#lease = undefined;
      // It was changed, deleted or taken by another process since it was last written: read it.
      const isRefused = error instanceof KubeError && error.status >= 400 && error.status < 500;
      if (known !== undefined && isRefused) return this.#attempt();
      const wasSlower = hasReason(error, 'Conflict', 'AlreadyExists', 'NotFound');
      if (!wasSlower) logger.warn({ error, lease: name }, 'reading or writing the Lease failed');
      return 'unknown';
    }
  }

  /** An attempt ends while this process leads, and early enough for another one on a new connection. */
  #callAt(now: number): CallOptions {
    const leftMs = this.isLeading() ? this.#leadsUntil - now : Infinity;
    const withinMs = Math.ceil(Math.min(leftMs, this.#renewWithinMs / 2));
    return { attempts: 1, signal: AbortSignal.timeout(withinMs) };
  }

  #isFree(lease: Lease): boolean {
    const { holderIdentity = '', leaseDurationSeconds = 0 } = lease.spec ?? {};
    if (holderIdentity === '' || holderIdentity === this.#options.identity) return true;
    const version = lease.metadata.resourceVersion;
    const now = performance.now();
    if (this.#seen.version !== version) this.#seen = { version, at: now };
    this.#expiresAt = this.#seen.at + leaseDurationSeconds * 1_000;
    return now >= this.#expiresAt;
  }

  /** If two candidates see a free Lease, one of them gets a conflict, because the version is sent along. */
  #write(current: Lease | undefined, call: CallOptions): Promise<Lease> {
    const { client, identity } = this.#options;
    const { apiVersion, kind, ...metadata } = this.#ref;
    const spec = heldSpec(current?.spec, identity, this.#leaseMs);
    return current === undefined
      ? client.create<Lease>({ apiVersion, kind, metadata, spec }, call)
      : client.update<Lease>({ ...current, spec }, call);
  }

  async #release(lease: Lease): Promise<void> {
    const { client, name, logger } = this.#options;
    const { holderIdentity: _, ...spec } = lease.spec ?? {};
    const freed = { ...lease, spec: { ...spec, leaseDurationSeconds: 1 } };
    await client.update(freed, this.#callAt(performance.now())).catch((error: unknown) => {
      logger.warn({ error, lease: name }, 'releasing the Lease failed, it expires by itself');
    });
  }
}

const heldSpec = (before: LeaseSpec | undefined, identity: string, ms: number): LeaseSpec => {
  const now = new Date().toISOString().replace('Z', '000Z');
  const isHeld = before?.holderIdentity === identity;
  const transitions = before?.leaseTransitions ?? 0;
  return {
    holderIdentity: identity,
    leaseDurationSeconds: Math.max(1, Math.ceil(ms / 1_000)),
    acquireTime: isHeld ? (before.acquireTime ?? now) : now,
    renewTime: now,
    leaseTransitions: isHeld || before === undefined ? transitions : transitions + 1,
  };
};
