import { appliedAnnotation } from '../children/labels.ts';
import { givenRefs, wantedRefs } from '../children/wanted-refs.ts';
import { componentOf, conditionIs, isGoing, stateOf, type JobState } from './live.ts';
import type { KubeObject } from '../runtime/kube-object.ts';
import { keyOf, keyOfRef, type ChildRef } from './observed.ts';
import { deletionOf, type Context } from './step.ts';

const jobsKept = 2;

/**
 * What a former spec or operator made and nobody needs now. Only what the resource owns and we applied:
 * kept data has no owner, and what others have labelled is theirs.
 */
export const unneededChildren = (
  context: Context,
  currentJobs: ReadonlySet<string>,
): ChildRef[] => {
  const { observed, resource } = context;
  // What the spec names is not taken away from it, not even what was ours.
  const wanted = new Set([...wantedRefs(resource), ...givenRefs(resource)].map(keyOfRef));
  const ours = [...observed.children.values()].filter(
    (child) =>
      !isGoing(child) &&
      child.metadata.annotations?.[appliedAnnotation] !== undefined &&
      child.metadata.ownerReferences?.some(({ uid }) => uid === resource.metadata.uid) === true,
  );
  const others = ours.filter(
    (child) => child.kind !== 'Job' && child.kind !== 'PersistentVolumeClaim',
  );
  return [
    ...others.filter((child) => !wanted.has(keyOf(child))),
    ...formerJobs(
      ours.filter((child) => child.kind === 'Job'),
      currentJobs,
    ),
  ].map(deletionOf);
};

/** Ended ones stay for a while, to be read; one that still runs would work against its successor. */
const formerJobs = (
  jobs: readonly KubeObject[],
  currentJobs: ReadonlySet<string>,
): KubeObject[] => {
  const former = jobs.filter(({ metadata }) => !currentJobs.has(metadata.name));
  const [ended, running] = [former.filter(hasEnded), former.filter((job) => !hasEnded(job))];
  const perKind = ['migrations', 'seed'].flatMap((component) =>
    ended
      .filter((job) => componentOf(job) === component)
      .sort((a, b) =>
        (a.metadata.creationTimestamp ?? '') < (b.metadata.creationTimestamp ?? '') ? 1 : -1,
      )
      .slice(jobsKept),
  );
  return [...running, ...perKind];
};

const hasEnded = (job: KubeObject): boolean => {
  const { conditions } = stateOf<JobState>(job);
  return (
    conditionIs(conditions, 'Complete') !== undefined ||
    conditionIs(conditions, 'Failed') !== undefined
  );
};
