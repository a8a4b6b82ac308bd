import type { KubeObject } from '../runtime/kube-object.ts';

/** What we read of live objects: parts of Kubernetes' own types, nothing of which need be there. */

export type LiveCondition = {
  type: string;
  status: string;
  reason?: string;
  message?: string;
  lastTransitionTime?: string;
};

export type DeploymentState = {
  observedGeneration?: number;
  replicas?: number;
  updatedReplicas?: number;
  readyReplicas?: number;
  availableReplicas?: number;
  conditions?: LiveCondition[];
};

export type StatefulSetState = {
  observedGeneration?: number;
  readyReplicas?: number;
  currentRevision?: string;
  updateRevision?: string;
};

export type JobState = { completionTime?: string; conditions?: LiveCondition[] };

type Waiting = { reason?: string; message?: string };
type Terminated = { reason?: string; message?: string; exitCode?: number; finishedAt?: string };

export type ContainerState = {
  image?: string;
  ready?: boolean;
  restartCount?: number;
  state?: { waiting?: Waiting; terminated?: Terminated };
  lastState?: { terminated?: Terminated };
};

export type PodState = {
  phase?: string;
  hostIP?: string;
  conditions?: LiveCondition[];
  containerStatuses?: ContainerState[];
};

/** The status of an object, as the type that its kind has. */
export const stateOf = <T extends object>(object: KubeObject | undefined): Partial<T> =>
  (object?.['status'] as Partial<T> | undefined) ?? {};

/** The image of the first container of a workload's or pod's template. */
export const imageIn = (workload: KubeObject | undefined): string | undefined => {
  const spec = workload?.['spec'] as
    { template?: { spec?: { containers?: { image?: string }[] } } } | undefined;
  return spec?.template?.spec?.containers?.[0]?.image;
};

export const componentOf = (object: KubeObject): string | undefined =>
  object.metadata.labels?.['app.kubernetes.io/component'];

export const isGoing = (object: KubeObject): boolean =>
  object.metadata.deletionTimestamp !== undefined;

export const conditionIs = (
  conditions: readonly LiveCondition[] | undefined,
  type: string,
): LiveCondition | undefined =>
  conditions?.find((condition) => condition.type === type && condition.status === 'True');
