import type { KubeObject } from '../runtime/kube-object.ts';
import { componentLabel } from './labels.ts';

/** The parts of Kubernetes' own types that the operator reads from live objects; any may be absent. */

export type LiveCondition = {
  type: string;
  status: string;
  reason?: string;
  message?: string;
  lastTransitionTime?: string;
};

export type DeploymentStatus = {
  observedGeneration?: number;
  replicas?: number;
  updatedReplicas?: number;
  readyReplicas?: number;
  availableReplicas?: number;
  conditions?: LiveCondition[];
};

export type StatefulSetStatus = {
  observedGeneration?: number;
  readyReplicas?: number;
  currentRevision?: string;
  updateRevision?: string;
};

export type JobStatus = {
  succeeded?: number;
  completionTime?: string;
  conditions?: LiveCondition[];
};

type Waiting = { reason?: string; message?: string };
export type Terminated = { reason?: string; message?: string; exitCode?: number };

export type ContainerStatus = {
  image?: string;
  ready?: boolean;
  restartCount?: number;
  state?: { waiting?: Waiting; terminated?: Terminated };
  lastState?: { terminated?: Terminated };
};

export type PodStatus = {
  phase?: string;
  hostIP?: string;
  conditions?: LiveCondition[];
  containerStatuses?: ContainerStatus[];
};

/** The status of an object, as the type that its kind has. */
export const statusOf = <T extends object>(object: KubeObject | undefined): Partial<T> =>
  (object?.['status'] as Partial<T> | undefined) ?? {};

/** The image of the first container of a workload's template. */
export const imageIn = (workload: KubeObject | undefined): string | undefined => {
  const spec = workload?.['spec'] as
    { template?: { spec?: { containers?: { image?: string }[] } } } | undefined;
  return spec?.template?.spec?.containers?.[0]?.image;
};

export const componentOf = (object: KubeObject): string | undefined =>
  object.metadata.labels?.[componentLabel];

export const isTerminating = (object: KubeObject): boolean =>
  object.metadata.deletionTimestamp !== undefined;

export const trueCondition = (
  conditions: readonly LiveCondition[] | undefined,
  type: string,
): LiveCondition | undefined =>
  conditions?.find((condition) => condition.type === type && condition.status === 'True');
