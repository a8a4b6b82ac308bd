import {
  componentOf,
  conditionIs,
  isGoing,
  stateOf,
  type ContainerState,
  type DeploymentState,
  type PodState,
} from './live.ts';
import type { KubeObject } from '../runtime/kube-object.ts';
import type { ChildKey, Observed } from './observed.ts';
import { shortened, type Finding } from './step.ts';

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

/** Pods of one component that are not on their way out. */
export const podsOf = (observed: Observed, component: string): KubeObject[] =>
  observed.pods.filter((pod) => componentOf(pod) === component && !isGoing(pod));

export const isPodReady = (pod: KubeObject): boolean =>
  conditionIs(stateOf<PodState>(pod).conditions, 'Ready') !== undefined;

/** What keeps this pod from running, where it can be told. Texts that change by the minute are left out. */
export const problemOfPod = (pod: KubeObject): Finding | undefined => {
  const { conditions = [], containerStatuses = [] } = stateOf<PodState>(pod);
  for (const container of containerStatuses) {
    const found = problemOfContainer(container, componentOf(pod) ?? '');
    if (found !== undefined) return found;
  }
  const scheduled = conditions.find(({ type }) => type === 'PodScheduled');
  if (scheduled?.status === 'False' && scheduled.reason === 'Unschedulable') {
    const said = scheduled.message ?? '';
    const cure = /persistentvolumeclaim/i.test(said)
      ? 'Its volume is not bound: kubectl describe pvc says why. If its storage class is wrong, delete the resource and then the PersistentVolumeClaim, and apply the resource with another class.'
      : 'Add nodes, or lower the resources it asks for in spec.';
    return {
      reason: 'Unschedulable',
      message: `No node takes a pod of ${componentOf(pod) ?? ''}: ${shortened(said)}. ${cure}`,
    };
  }
  return undefined;
};

const problemOfContainer = (
  { image = '', restartCount = 0, state, lastState, ready = false }: ContainerState,
  component: string,
): Finding | undefined => {
  const waitingFor = state?.waiting?.reason ?? '';
  if (imageReasons.has(waitingFor)) {
    return {
      reason: 'ImagePullFailed',
      message: `The image ${image} of ${component} cannot be pulled. Check spec.version and spec.images (registry, pullSecrets), and that the image is there.`,
    };
  }
  if (configReasons.has(waitingFor)) {
    return {
      reason: 'ContainerConfigInvalid',
      message: `A container of ${component} cannot be made: ${shortened(state?.waiting?.message ?? waitingFor)}.`,
    };
  }
  const ended = state?.terminated ?? lastState?.terminated;
  const crashed = (ended?.exitCode ?? 0) !== 0 && restartCount > 0 && !ready;
  if (waitingFor !== 'CrashLoopBackOff' && !crashed) return undefined;
  const said = shortened(ended?.message ?? ended?.reason ?? 'it said nothing');
  return {
    reason: 'PodCrashing',
    message: `${component} ends soon after its start (exit code ${String(ended?.exitCode ?? 'unknown')}): ${said}. See kubectl logs, and undo the last change of spec if it began with it.`,
  };
};

/** The first problem among a component's pods; where there are none, what keeps them from being made. */
export const problemOfPods = (
  observed: Observed,
  component: string,
  workload: ChildKey,
): Finding | undefined => {
  const pods = podsOf(observed, component);
  for (const pod of pods) {
    const found = problemOfPod(pod);
    if (found !== undefined) return found;
  }
  return problemOfMaking(observed, workload, pods.length);
};

const problemOfMaking = (
  observed: Observed,
  workload: ChildKey,
  pods: number,
): Finding | undefined => {
  const { conditions } = stateOf<DeploymentState>(observed.children.get(workload));
  const refused = conditionIs(conditions, 'ReplicaFailure')?.message;
  const warned = observed.warnings
    .filter(({ child, reason }) => child === workload && reason === 'FailedCreate')
    .sort((a, b) => (a.at < b.at ? 1 : -1))[0]?.message;
  const message = refused ?? (pods === 0 ? warned : undefined);
  if (message === undefined) return undefined;
  // A pod's made-up name is another in every try.
  const said = shortened(message.replaceAll(/pods "[^"]*"|Pod "[^"]*"|pod \S+/g, 'a pod'));
  return message.includes('exceeded quota')
    ? {
        reason: 'QuotaExceeded',
        message: `The namespace's quota is used up. Raise it, or lower replicas and resources. ${workload}: ${said}`,
      }
    : {
        reason: 'PodsRefused',
        message: `The API server refuses the pods of ${workload}: ${said}`,
      };
};
