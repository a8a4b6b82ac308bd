import type { ComponentName } from '../objects/labels.ts';
import { statusOf, trueCondition, type DeploymentStatus } from '../objects/live.ts';
import { keyOf, type Manifest } from '../objects/manifest.ts';
import type { KubeObject } from '../runtime/kube-object.ts';
import { isUpToDate } from './component.ts';
import { podsOf, problemOfPods } from './pod-problems.ts';
import { refusalOf } from './refusals.ts';
import type { Context, Finding } from './step.ts';

export type Rollout = {
  /** Every pod runs the desired template and is available, and no other pod is left. */
  done: boolean;
  /** At least one pod is available, or none is wanted. */
  serving: boolean;
  finding: Finding;
};

const specOf = (object: KubeObject | undefined) =>
  (object?.['spec'] ?? {}) as { replicas?: number };

/** How far a Deployment has been rolled out. */
export const rolloutOf = (
  context: Context,
  desired: Manifest,
  component: ComponentName,
): Rollout => {
  const { observed } = context;
  const key = keyOf(desired);
  const live = observed.owned.get(key);
  // Without a number of its own: that of the autoscaler.
  const { replicas } = { replicas: 1, ...specOf(live), ...specOf(desired) };
  const status = statusOf<DeploymentStatus>(live);
  const available = status.availableReplicas ?? 0;
  const serving = live !== undefined && (available > 0 || replicas === 0);
  const complete =
    isUpToDate(observed, desired) &&
    (status.observedGeneration ?? 0) >= (live?.metadata.generation ?? 0) &&
    (status.updatedReplicas ?? 0) === replicas &&
    (status.replicas ?? 0) === replicas &&
    available === replicas;
  if (complete) {
    return {
      done: true,
      serving,
      finding: { reason: 'Serving', message: `${component} is available.` },
    };
  }
  return {
    done: false,
    serving,
    finding: problemOfPods(observed, component, key) ??
      refusalOf(observed, [desired]) ??
      notReadyProblem(context, component, status) ?? {
        reason: 'RollingOut',
        message: `${component} is rolling out.`,
      },
  };
};

/** Unavailable for longer than any pod needs to become ready again by itself. */
const unavailableLimitMs = 120_000;

/** Pods that run and do not become ready: no status of Kubernetes says what they wait for. */
const notReadyProblem = (
  { observed, resource }: Context,
  component: ComponentName,
  { conditions = [] }: Partial<DeploymentStatus>,
): Finding | undefined => {
  const progressing = conditions.find(({ type }) => type === 'Progressing');
  const deadlineExceeded = progressing?.status === 'False';
  const unavailable = conditions.find(
    ({ type, status }) => type === 'Available' && status === 'False',
  );
  const since = Date.parse(unavailable?.lastTransitionTime ?? '');
  const reportedReady = trueCondition(resource.status?.conditions, 'ServicesReady') !== undefined;
  const lostForLong = !reportedReady && observed.now.getTime() - since > unavailableLimitMs;
  if (!deadlineExceeded && !lostForLong) return undefined;
  const count = podsOf(observed, component).length;
  return {
    reason: 'PodsNotReady',
    message: `The pods of ${component} run (${String(count)}) but do not become ready: most often the database cannot be reached. See kubectl logs of a pod.`,
  };
};
