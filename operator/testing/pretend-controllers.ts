import type { KubeObject } from '../src/runtime/kube-object.ts';
import type { KubeClient } from '../src/runtime/client.ts';
import { healthyCluster } from './workload-fields.ts';
import { hasReason } from '../src/runtime/kube-error.ts';

/**
 * What a cluster's own controllers and kubelet would do, as far as an operator can tell: workloads
 * become ready, the database has its pod, Jobs complete.
 */

type Workload = KubeObject & {
  spec: {
    replicas?: number;
    template: { metadata: { labels: Record<string, string> }; spec: object };
  };
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

const placeOf = ({ apiVersion, kind, metadata }: KubeObject) => ({
  apiVersion,
  kind,
  name: metadata.name,
  namespace: metadata.namespace ?? '',
});

/** The one pod of a StatefulSet, ready: a Service of readiness is what the operator looks for. */
const makePod = async (client: KubeClient, { metadata, spec }: Workload): Promise<void> => {
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: `${metadata.name}-0`,
      namespace: metadata.namespace ?? '',
      labels: spec.template.metadata.labels,
    },
    spec: { containers: [{ name: 'pretended', image: 'pretended' }] },
  };
  try {
    await client.create(pod);
  } catch (error) {
    if (!hasReason(error, 'AlreadyExists')) throw error;
  }
  const conditions = [{ type: 'Ready', status: 'True', lastTransitionTime: now() }];
  await client.patchStatus(placeOf(pod), { phase: 'Running', conditions });
};

/** The pod of a Job, with the termination message that PostgreSQL's image check expects. */
const makeEndedPod = async (client: KubeClient, job: Workload): Promise<void> => {
  const { apiVersion, kind, metadata, spec } = job;
  const { labels } = spec.template.metadata;
  if (labels['app.kubernetes.io/component'] !== 'postgres-check') return;
  const { name, namespace = '', uid = '' } = metadata;
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace, labels, ownerReferences: [{ apiVersion, kind, name, uid }] },
    spec: { containers: [{ name: 'pretended', image: 'pretended' }] },
  };
  try {
    await client.create(pod);
  } catch (error) {
    if (!hasReason(error, 'AlreadyExists')) throw error;
  }
  const terminated = { exitCode: 0, message: 'postgres (PostgreSQL) 17.6 (Debian)' };
  const container = { name: 'pretended', image: 'pretended', imageID: '', ready: false };
  await client.patchStatus(placeOf(pod), {
    phase: 'Succeeded',
    containerStatuses: [{ ...container, restartCount: 0, state: { terminated } }],
  });
};

const clusterKind = { apiVersion: 'postgresql.cnpg.io/v1', kind: 'Cluster' };

/** As CloudNativePG would, where it is installed. */
const settleClusters = async (client: KubeClient, namespace: string): Promise<void> => {
  const found = await client.list(clusterKind, { namespace }).catch((error: unknown) => {
    if (hasReason(error, 'KindNotServed')) return { items: [] };
    throw error;
  });
  for (const cluster of found.items.filter((object) => object['status'] === undefined))
    await client.patchStatus(placeOf(cluster), healthyCluster);
};

/** One round of what controllers would do. @param client another field manager than the operator's */
export const settleWorkloads = async (client: KubeClient, namespace: string): Promise<void> => {
  await settleClusters(client, namespace);
  for (const kind of kinds) {
    const { items } = await client.list<Workload>(kind, { namespace });
    for (const workload of items.filter(isBehind)) {
      const status = kind.kind === 'Job' ? completeStatus() : readyStatus(workload);
      await client.patchStatus(placeOf(workload), status);
      if (kind.kind === 'StatefulSet') await makePod(client, workload);
      if (kind.kind === 'Job') await makeEndedPod(client, workload);
    }
  }
};
