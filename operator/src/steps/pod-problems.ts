import {
  componentOf,
  isTerminating,
  statusOf,
  trueCondition,
  type ContainerStatus,
  type DeploymentStatus,
  type PodStatus,
} from '../objects/live.ts';
import type { ObjectKey } from '../objects/manifest.ts';
import type { KubeObject } from '../runtime/kube-object.ts';
import type { Observed } from './observed.ts';
import type { Finding } from './step.ts';
import { shortened } from './text.ts';

const imageReasons = new Set([
  'ErrImagePull',
  'ImagePullBackOff',
  'InvalidImageName',
  'ErrImageNeverPull',
  'ImageInspectError',
]);

const configReasons = new Set([
  'CreateContainerConfigError',
  'CreateContainerError',
  'RunContainerError',
]);

/** Pods of one component that are not terminating. */
export const podsOf = (observed: Observed, component: string): KubeObject[] =>
  observed.pods.filter((pod) => componentOf(pod) === component && !isTerminating(pod));

export const isPodReady = (pod: KubeObject): boolean =>
  trueCondition(statusOf<PodStatus>(pod).conditions, 'Ready') !== undefined;

/** Why this pod does not run, if known. Leaves out texts that change by the minute. */
export const problemOfPod = (pod: KubeObject): Finding | undefined => {
  const { conditions = [], containerStatuses = [] } = statusOf<PodStatus>(pod);
  for (const container of containerStatuses) {
    const found = problemOfContainer(container, componentOf(pod) ?? '');
    if (found !== undefined) return found;
  }
  const scheduled = conditions.find(({ type }) => type === 'PodScheduled');
  if (scheduled?.status === 'False' && scheduled.reason === 'Unschedulable') {
    const cause = scheduled.message ?? '';
    const cure = /persistentvolumeclaim/i.test(cause)
      ? 'Its volume is not bound: kubectl describe pvc shows why. If the storage class is wrong, correct spec.database.managed.storage.storageClassName and delete the PersistentVolumeClaim.'
      : 'Add nodes, or lower the resources that spec requests.';
    return {
      reason: 'Unschedulable',
      message: `No node accepts a pod of ${componentOf(pod) ?? ''}: ${shortened(cause)}. ${cure}`,
    };
  }
  return undefined;
};

const problemOfContainer = (
  { image = '', restartCount = 0, state, lastState, ready = false }: ContainerStatus,
  component: string,
): Finding | undefined => {
  const waitingFor = state?.waiting?.reason ?? '';
  if (imageReasons.has(waitingFor)) {
    return {
      reason: 'ImagePullFailed',
      message: `The image ${image} of ${component} cannot be pulled. Check spec.version and spec.images (registry, pullSecrets), and that the image exists.`,
    };
  }
  if (configReasons.has(waitingFor)) {
    return {
      reason: 'ContainerConfigInvalid',
      message: `A container of ${component} cannot be created: ${shortened(state?.waiting?.message ?? waitingFor)}.`,
    };
  }
  const ended = state?.terminated ?? lastState?.terminated;
  const crashed = (ended?.exitCode ?? 0) !== 0 && restartCount > 0 && !ready;
  if (waitingFor !== 'CrashLoopBackOff' && !crashed) return undefined;
  const output = shortened(ended?.message ?? ended?.reason ?? 'no termination message');
  return {
    reason: 'PodCrashing',
    message: `${component} exits soon after its start (exit code ${String(ended?.exitCode ?? 'unknown')}): ${output}. See kubectl logs; if it began with a change of spec, revert that change.`,
  };
};

/** The first problem among a component's pods; where there are none, why they cannot be created. */
export const problemOfPods = (
  observed: Observed,
  component: string,
  workload: ObjectKey,
): Finding | undefined => {
  const pods = podsOf(observed, component);
  for (const pod of pods) {
    const found = problemOfPod(pod);
    if (found !== undefined) return found;
  }
  return creationProblem(observed, workload, pods.length);
};

const creationProblem = (
  observed: Observed,
  workload: ObjectKey,
  pods: number,
): Finding | undefined => {
  const { conditions } = statusOf<DeploymentStatus>(observed.owned.get(workload));
  const refused = trueCondition(conditions, 'ReplicaFailure')?.message;
  const warned = observed.warnings
    .filter(({ object, reason }) => object === workload && reason === 'FailedCreate')
    .sort((a, b) => (a.at < b.at ? 1 : -1))[0]?.message;
  const message = refused ?? (pods === 0 ? warned : undefined);
  if (message === undefined) return undefined;
  // The generated name of a pod differs in every attempt.
  const detail = shortened(message.replaceAll(/pods "[^"]*"|Pod "[^"]*"|pod \S+/g, 'a pod'));
  return message.includes('exceeded quota')
    ? {
        reason: 'QuotaExceeded',
        message: `The namespace's quota is exhausted. Raise it, or lower replicas and resources. ${workload}: ${detail}`,
      }
    : {
        reason: 'PodsRefused',
        message: `The API server refuses the pods of ${workload}: ${detail}`,
      };
};
