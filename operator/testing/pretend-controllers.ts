import { setTimeout as pause } from 'node:timers/promises';

import type { LiveObject } from '../src/reconcile/observed.ts';
import type { KubeClient } from '../src/runtime/client.ts';
import { hasReason } from '../src/runtime/kube-error.ts';

/**
 * What a cluster's own controllers and kubelet would do, as far as an operator can tell: workloads
 * become ready, Jobs complete, and a Job's pod leaves its last words.
 */
export type PretendControllers = { stop: () => Promise<void> };

type Workload = LiveObject & {
  spec: { replicas?: number; template: { metadata: { labels: Record<string, string> } } };
  status?: Record<string, unknown>;
};

const now = (): string => `${new Date().toISOString().slice(0, 19)}Z`;

const readyStatus = ({ kind, metadata, spec }: Workload): object => {
  const count = spec.replicas ?? 1;
  const counts = {
    observedGeneration: metadata.generation,
    replicas: count,
    readyReplicas: count,
    updatedReplicas: count,
    availableReplicas: count,
  };
  const revision = `${metadata.name}-${String(metadata.generation)}`;
  return kind === 'StatefulSet'
    ? { ...counts, currentReplicas: count, currentRevision: revision, updateRevision: revision }
    : {
        ...counts,
        conditions: [{ type: 'Available', status: 'True', reason: 'Pretended', message: 'ready' }],
      };
};

const completeStatus = (): object => ({
  startTime: now(),
  completionTime: now(),
  succeeded: 1,
  conditions: ['SuccessCriteriaMet', 'Complete'].map((type) => ({
    type,
    status: 'True',
    lastProbeTime: now(),
    lastTransitionTime: now(),
  })),
});

const isBehind = ({ kind, metadata, status }: Workload): boolean =>
  kind === 'Job'
    ? status?.['completionTime'] === undefined
    : status?.['observedGeneration'] !== metadata.generation;

const kinds = [
  { apiVersion: 'apps/v1', kind: 'StatefulSet' },
  { apiVersion: 'apps/v1', kind: 'Deployment' },
  { apiVersion: 'batch/v1', kind: 'Job' },
];

const setStatus = async (client: KubeClient, workload: Workload): Promise<void> => {
  const { apiVersion, kind, metadata } = workload;
  const { name, namespace } = metadata;
  const status = kind === 'Job' ? completeStatus() : readyStatus(workload);
  try {
    await client.patchStatus(
      { apiVersion, kind, name, ...(namespace === undefined ? {} : { namespace }) },
      status,
      metadata.resourceVersion === undefined ? {} : { resourceVersion: metadata.resourceVersion },
    );
  } catch (error) {
    if (!hasReason(error, 'NotFound', 'Conflict')) throw error;
  }
};

/** @param client must be another field manager than the operator's */
export const startPretendControllers = (
  client: KubeClient,
  namespace: string,
): PretendControllers => {
  let stopped = false;
  const isStopped = (): boolean => stopped;
  const loop = async (): Promise<void> => {
    while (!isStopped()) {
      for (const kind of kinds) {
        const { items } = await client.list<Workload>(kind, { namespace });
        for (const workload of items.filter(isBehind)) await setStatus(client, workload);
      }
      await pause(50);
    }
  };
  const running = loop();
  return {
    stop: async () => {
      stopped = true;
      await running;
    },
  };
};
