import type { Logger } from '@movie-ticketing/kit/logging';
import type { Registry } from '@movie-ticketing/kit/metrics';

import { pause } from './backoff.ts';
import type { KubeClient } from './client.ts';
import { hasReason } from './kube-error.ts';
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
  /** Unlike any other contender's, and unlike this one's after a restart. */
  identity: string;
  /** Once, when this process leads. */
  onLeading: () => void;
  /** Once, when it led and leads no more, but for `stop`: end the process. */
  onLost: (why: string) => void;
  logger: Logger;
  registry: Registry;
  /**
   * Others take over after so long without a renewal. Well before, after two thirds of it, the leader
   * counts itself out. 15 s unless set.
   */
  leaseDurationMs?: number;
};

type Outcome = 'ours' | 'another’s' | 'unknown';

/**
 * One leader among the replicas, by a Lease. A Lease does not fence: nothing stops a request that a
 * leader sent before it froze, so `isLeading` must be asked before each write (refuseWritesUnless)
 * and writes must be harmless when late: server-side apply, deletes by uid. `isLeading` turns false
 * by the clock alone, earlier than another can take over.
 */
export class LeaderElection {
  readonly #options: LeaderElectionOptions;
  readonly #ref: ObjectRef;
  readonly #leaseMs: number;
  readonly #renewWithinMs: number;
  readonly #stopping = new AbortController();
  #loop: Promise<void> | undefined;
  /** As last written by us. */
  #lease: Lease | undefined;
  /** Our own clock's word on how long we lead. */
  #leadsUntil = -Infinity;
  /** Another's Lease as it last changed, by our own clock: theirs may differ. */
  #seen: { version: string | undefined; at: number } = { version: undefined, at: 0 };

  constructor(options: LeaderElectionOptions) {
    const { registry, namespace, name, leaseDurationMs = 15_000 } = options;
    this.#options = options;
    this.#ref = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', namespace, name };
    this.#leaseMs = leaseDurationMs;
    this.#renewWithinMs = (leaseDurationMs * 2) / 3;
    const metric = {
      name: 'leader_election_master_status',
      help: 'Whether this process leads',
      labelNames: ['name'],
    } as const;
    makeGauge(registry, metric, () => [[{ name }, Number(this.isLeading())]]);
  }

  start(): void {
    this.#loop ??= this.#run();
  }

  readonly isLeading = (): boolean => performance.now() < this.#leadsUntil;

  /** Frees the Lease, so that another leads at its next try. Call it once the work has stopped. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#loop;
    if (this.#lease !== undefined && this.isLeading()) await this.#release(this.#lease);
    this.#leadsUntil = -Infinity;
  }

  async #run(): Promise<void> {
    const { name, identity, onLeading, onLost, logger } = this.#options;
    const { signal } = this.#stopping;
    while (!signal.aborted && (await this.#attempt()) !== 'ours') await this.#rest();
    if (signal.aborted) return;
    logger.info({ lease: name, identity }, 'leading');
    onLeading();
    const why = await this.#renewUntilLost();
    if (why === undefined) return;
    this.#leadsUntil = -Infinity;
    onLost(why);
  }

  /** Why it was lost, or nothing when stopping. */
  async #renewUntilLost(): Promise<string | undefined> {
    for (;;) {
      await this.#rest();
      if (this.#stopping.signal.aborted) return undefined;
      // Who froze past the deadline does not renew, though nobody may have taken over yet.
      const outcome = this.isLeading() ? await this.#attempt() : 'unknown';
      if (outcome === 'another’s') return 'the lease is another’s';
      if (!this.isLeading()) return 'the lease was not renewed in time';
    }
  }

  #rest(): Promise<void> {
    const retryMs = (this.#leaseMs * 2) / 15;
    return pause(retryMs * (0.8 + 0.4 * Math.random()), this.#stopping.signal);
  }

  /** Takes or renews the Lease, or finds that this cannot be. */
  async #attempt(): Promise<Outcome> {
    const { client, name, logger } = this.#options;
    // Counted from before the request: the server's renewal can only be later.
    const asked = performance.now();
    const call = this.#callAt(asked);
    try {
      const current = await client.get<Lease>(this.#ref, call);
      if (current !== undefined && !this.#isFree(current)) return 'another’s';
      this.#lease = await this.#hold(current, call);
      this.#leadsUntil = asked + this.#renewWithinMs;
      return 'ours';
    } catch (error) {
      const wasQuicker = hasReason(error, 'Conflict', 'AlreadyExists', 'NotFound');
      if (!wasQuicker) logger.warn({ error, lease: name }, 'the lease could not be asked for');
      return 'unknown';
    }
  }

  /** All of an attempt ends while we lead, and early enough for another on another connection. */
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
    return now >= this.#seen.at + leaseDurationSeconds * 1_000;
  }

  /** Of two that saw it free one is refused: the resource version goes along. */
  #hold(current: Lease | undefined, call: CallOptions): Promise<Lease> {
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
      logger.warn({ error, lease: name }, 'the lease runs out by itself');
    });
  }
}

const heldSpec = (before: LeaseSpec | undefined, identity: string, ms: number): LeaseSpec => {
  const now = new Date().toISOString().replace('Z', '000Z');
  const isOurs = before?.holderIdentity === identity;
  const transitions = before?.leaseTransitions ?? 0;
  return {
    holderIdentity: identity,
    leaseDurationSeconds: Math.max(1, Math.ceil(ms / 1_000)),
    acquireTime: isOurs ? (before.acquireTime ?? now) : now,
    renewTime: now,
    leaseTransitions: isOurs || before === undefined ? transitions : transitions + 1,
  };
};
