import { namedRefs, ownedObjects } from '../components/components.ts';
import { referencedContents } from '../components/referenced.ts';
import { appliedAnnotation } from '../objects/labels.ts';
import {
  componentOf,
  isTerminating,
  statusOf,
  trueCondition,
  type JobStatus,
} from '../objects/live.ts';
import { keyOf, keyOfRef, refOf, type ObjectKey, type OwnedRef } from '../objects/manifest.ts';
import type { KubeObject } from '../runtime/kube-object.ts';
import type { Context } from '../steps/step.ts';

/** Completed and failed Jobs of each component that are kept to be read. */
const jobsKept = 2;

const keptKinds = new Set(
  ownedObjects.filter(({ neverDeleted }) => neverDeleted === true).map(({ kind }) => kind),
);

/**
 * Objects that a former spec or operator created and that are no longer needed. Only those that the
 * resource owns and we applied: retained data have no owner, and objects labelled by others are theirs.
 */
export const obsoleteObjects = (context: Context): OwnedRef[] => {
  const { observed, resource } = context;
  // What the spec references is kept, even if the operator created it.
  const needed = new Set([...namedRefs(resource), ...referencedContents(resource)].map(keyOfRef));
  const candidates = [...observed.owned.values()].filter(
    (object) =>
      !isTerminating(object) &&
      !keptKinds.has(object.kind) &&
      object.metadata.annotations?.[appliedAnnotation] !== undefined &&
      object.metadata.ownerReferences?.some(({ uid }) => uid === resource.metadata.uid) === true,
  );
  const jobs = candidates.filter(({ kind }) => kind === 'Job');
  return [
    ...candidates.filter((object) => object.kind !== 'Job' && !needed.has(keyOf(object))),
    ...obsoleteJobs(jobs, currentJobs(context)),
  ].map(refOf);
};

/** The Jobs that the present spec stands for. */
const currentJobs = (context: Context): ReadonlySet<ObjectKey> =>
  new Set(
    ownedObjects.flatMap((object) =>
      'hashedName' in object && object.when?.(context.resource) !== false
        ? [keyOfRef({ kind: object.kind, name: object.hashedName(context) })]
        : [],
    ),
  );

/** A former Job that still runs would interfere with its successor; finished ones are kept for a while. */
const obsoleteJobs = (
  jobs: readonly KubeObject[],
  current: ReadonlySet<ObjectKey>,
): KubeObject[] => {
  const former = jobs.filter((job) => !current.has(keyOf(job)));
  const finished = Map.groupBy(former.filter(isFinished), (job) => componentOf(job));
  return [
    ...former.filter((job) => !isFinished(job)),
    ...[...finished.values()].flatMap((group) => group.sort(newestFirst).slice(jobsKept)),
  ];
};

const newestFirst = (a: KubeObject, b: KubeObject): number =>
  (a.metadata.creationTimestamp ?? '') < (b.metadata.creationTimestamp ?? '') ? 1 : -1;

const isFinished = (job: KubeObject): boolean => {
  const { conditions } = statusOf<JobStatus>(job);
  return ['Complete', 'Failed'].some((type) => trueCondition(conditions, type) !== undefined);
};
