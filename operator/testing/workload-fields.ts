import type { Manifest } from '../src/objects/manifest.ts';
import type { KubeObject } from '../src/runtime/kube-object.ts';

/** Without a number of its own a Deployment keeps what the autoscaler set, and begins with one pod. */
export const withReplicas = (manifest: Manifest, before: KubeObject | undefined): object => ({
  replicas: (before?.['spec'] as { replicas?: number } | undefined)?.replicas ?? 1,
  ...structuredClone(manifest['spec'] as object),
});

/** Of a workload's pods. */
export const templateAnnotations = (owner: KubeObject): Record<string, string> =>
  (
    owner['spec'] as
      { template?: { metadata?: { annotations?: Record<string, string> } } } | undefined
  )?.template?.metadata?.annotations ?? {};

/** The status of a Cluster of CloudNativePG with three instances. */
export const healthyCluster = {
  phase: 'Cluster in healthy state',
  readyInstances: 3,
  currentPrimary: 'shop-cluster-1',
  conditions: [{ type: 'Ready', status: 'True' }],
};
