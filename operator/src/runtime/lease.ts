import type { KubeClient } from './client.ts';
import { hasReason } from './kube-error.ts';
import type { KubeObject, ObjectRef } from './kube-object.ts';

/** coordination.k8s.io/v1; its times have microseconds (V1MicroTime). */
export type Lease = KubeObject & { spec?: LeaseSpec };

export type LeaseSpec = {
  holderIdentity?: string;
  leaseDurationSeconds?: number;
  acquireTime?: string;
  renewTime?: string;
  leaseTransitions?: number;
};

const microTime = (): string => new Date().toISOString().replace('Z', '000Z');

export type LeaseStore = {
  read(): Promise<Lease | undefined>;
  /** Takes or renews it; nothing where another was quicker. */
  hold(current: Lease | undefined): Promise<Lease | undefined>;
  /** Gives it up at once, where it is still ours. */
  release(current: Lease): Promise<void>;
};

/** One Lease, for one identity. Every call ends within `timeoutMs` or throws. */
export const makeLeaseStore = (options: {
  client: KubeClient;
  namespace: string;
  name: string;
  identity: string;
  leaseDurationMs: number;
  timeoutMs: number;
}): LeaseStore => {
  const { client, namespace, name, identity, timeoutMs } = options;
  const ref: ObjectRef = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', namespace, name };
  // Asked again by the election itself, which knows its deadline.
  const call = { timeoutMs, attempts: 1 };
  const seconds = Math.max(1, Math.ceil(options.leaseDurationMs / 1_000));

  const specAfter = (before: LeaseSpec = {}): LeaseSpec => {
    const isOurs = before.holderIdentity === identity;
    const now = microTime();
    return {
      holderIdentity: identity,
      leaseDurationSeconds: seconds,
      acquireTime: isOurs ? (before.acquireTime ?? now) : now,
      renewTime: now,
      leaseTransitions: (before.leaseTransitions ?? 0) + (isOurs ? 0 : 1),
    };
  };

  return {
    read: () => client.get<Lease>(ref, call),
    hold: async (current) => {
      const { apiVersion, kind } = ref;
      try {
        if (current === undefined) {
          const spec = { ...specAfter(), leaseTransitions: 0 };
          const made: Lease = { apiVersion, kind, metadata: { namespace, name }, spec };
          return await client.create<Lease>(made, call);
        }
        // The resource version goes along, so of two that saw it free one is refused.
        const next: Lease = { ...current, spec: specAfter(current.spec) };
        return await client.update<Lease>(next, call);
      } catch (error) {
        if (hasReason(error, 'Conflict', 'AlreadyExists', 'NotFound')) return undefined;
        throw error;
      }
    },
    release: async (current) => {
      const { holderIdentity: _, ...spec } = current.spec ?? {};
      const freed: Lease = { ...current, spec: { ...spec, leaseDurationSeconds: 1 } };
      await client.update(freed, call);
    },
  };
};
