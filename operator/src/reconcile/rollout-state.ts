import { isSettled, refusal, type Context, type Finding } from './step.ts';
import { conditionIs, stateOf, type DeploymentState } from './live.ts';
import { keyOf, type Manifest } from './observed.ts';
import { podsOf, problemOfPods } from './pod-problems.ts';

export type Rollout = {
  /** Every pod is of the desired template and available, and no other is left. */
  done: boolean;
  /** At least one pod is available, or none is wanted. */
  serving: boolean;
  finding: Finding;
};

/** How far a Deployment's pods are what the manifest wants. */
export const rolloutOf = (context: Context, desired: Manifest, component: string): Rollout => {
  const { observed } = context;
  const key = keyOf(desired);
  const live = observed.children.get(key);
  const wanted = (desired['spec'] as { replicas: number }).replicas;
  const state = stateOf<DeploymentState>(live);
  const available = state.availableReplicas ?? 0;
  const serving = live !== undefined && (available > 0 || wanted === 0);
  const rolled =
    isSettled(observed, desired) &&
    (state.observedGeneration ?? 0) >= (live?.metadata.generation ?? 0) &&
    (state.updatedReplicas ?? 0) === wanted &&
    (state.replicas ?? 0) === wanted &&
    available === wanted;
  if (rolled) {
    return { done: true, serving, finding: { reason: 'Serving', message: `${component} serves.` } };
  }
  return {
    done: false,
    serving,
    finding: refusal(observed, [desired]) ??
      problemOfPods(observed, component, key) ??
      stalled(context, component, state) ?? {
        reason: 'RollingOut',
        message: `${component} rolls out.`,
      },
  };
};

/** Pods that run and do not become ready: what they wait for is in no status of Kubernetes. */
const stalled = (
  { observed, resource }: Context,
  component: string,
  { conditions = [] }: Partial<DeploymentState>,
): Finding | undefined => {
  const progressing = conditions.find(({ type }) => type === 'Progressing');
  const tooLong = progressing?.status === 'False';
  // Once available and no longer: a minute is more than any pod takes to come back by itself.
  const lost = conditions.find(({ type, status }) => type === 'Available' && status === 'False');
  const since = Date.parse(lost?.lastTransitionTime ?? '');
  const wasThere = conditionIs(resource.status?.conditions, 'ServicesReady') === undefined;
  const lostLong = wasThere && observed.now.getTime() - since > 120_000;
  if (!tooLong && !lostLong) return undefined;
  const count = podsOf(observed, component).length;
  return {
    reason: 'PodsNotReady',
    message: `${component} runs (${String(count)} pods) and does not become ready: most often the database cannot be reached. See kubectl logs of a pod.`,
  };
};
