import {
  componentOf,
  isTerminating,
  statusOf,
  trueCondition,
  type JobStatus,
  type PodStatus,
} from '../objects/live.ts';
import { isAsApplied } from '../objects/drift.ts';
import { keyOf, refOf } from '../objects/manifest.ts';
import type { KubeObject } from '../runtime/kube-object.ts';
import { manifestOf, type OwnedObject } from './component.ts';
import { problemOfPods } from './pod-problems.ts';
import { refusalOf } from './refusals.ts';
import { waiting, type Context, type Finding, type StepResult } from './step.ts';
import { shortened, timestamp } from './text.ts';

/** `unfinished` holds the step's result; `complete` leaves it to the caller. */
export type JobOutcome =
  | { kind: 'complete'; completedAt: string; message: string | undefined }
  | { kind: 'unfinished'; result: StepResult };

type JobOptions = {
  running: Finding;
  /** From the program's termination message and exit code. */
  failed: (message: string, exitCode: number | undefined) => Finding;
  /** Since when the step's condition has not been true; retries slow down with this time. */
  failingSince: string | undefined;
  /** Whether a completed Job still says something about the present; if not, it runs again. */
  isCurrent?: (completedAt: string, message: string | undefined, job: KubeObject) => boolean;
};

/** Runs a Job until it succeeds: creates it, and replaces it where it is outdated or has failed. */
export const runJob = (context: Context, object: OwnedObject, options: JobOptions): JobOutcome => {
  const { observed } = context;
  const desired = manifestOf(object, context);
  const live = observed.owned.get(keyOf(desired));
  if (live === undefined) {
    const refused = refusalOf(observed, [desired]);
    return unfinished(waiting(refused ?? options.running, { apply: [desired] }));
  }
  if (isTerminating(live)) return unfinished(waiting(options.running));
  const replace = (): JobOutcome => unfinished(waiting(options.running, { delete: [refOf(live)] }));
  const { conditions, completionTime } = statusOf<JobStatus>(live);
  const complete = trueCondition(conditions, 'Complete');
  if (complete !== undefined) {
    const completedAt = completionTime ?? complete.lastTransitionTime ?? timestamp(observed.now);
    const message = terminationOf(context, live)?.message;
    return options.isCurrent?.(completedAt, message, live) === false
      ? replace()
      : { kind: 'complete', completedAt, message };
  }
  // A Job is immutable. An outdated Job is replaced at once, without the delay of a failed one.
  if (!isAsApplied(desired, live)) return replace();
  const failure = trueCondition(conditions, 'Failed');
  if (failure !== undefined) return unfinished(failedJob(context, live, options, failure));
  const component = componentOf(live) ?? '';
  return unfinished(waiting(problemOfPods(observed, component, keyOf(live)) ?? options.running));
};

const unfinished = (result: StepResult): JobOutcome => ({ kind: 'unfinished', result });

const shortestRetryMs = 10_000;
const longestRetryMs = 300_000;

const failedJob = (
  context: Context,
  live: KubeObject,
  { failed, failingSince }: JobOptions,
  failure: { message?: string; lastTransitionTime?: string },
): StepResult => {
  const termination = terminationOf(context, live);
  const finding = failed(
    shortened(termination?.message ?? failure.message ?? 'no termination message'),
    termination?.exitCode,
  );
  const now = context.observed.now.getTime();
  const failedAt = timeOf(failure.lastTransitionTime) ?? now;
  const failingFor = failedAt - (timeOf(failingSince) ?? failedAt);
  // Half the time that it has been failing for: frequent at first, rare for a lasting fault.
  const delay = Math.min(Math.max(failingFor / 2, shortestRetryMs), longestRetryMs);
  const left = failedAt + delay - now;
  const retry = `Next attempt at ${timestamp(new Date(failedAt + delay))}.`;
  return waiting(
    { ...finding, message: `${finding.message} ${retry}` },
    left <= 0 ? { delete: [refOf(live)] } : { requeueAfterMs: Math.ceil(left) },
  );
};

const timeOf = (text: string | undefined): number | undefined => {
  const time = Date.parse(text ?? '');
  return Number.isNaN(time) ? undefined : time;
};

/** Termination message and exit code of the newest of a Job's pods. */
const terminationOf = (
  { observed }: Context,
  job: KubeObject,
): { message: string | undefined; exitCode: number | undefined } | undefined => {
  const pods = observed.pods
    .filter(({ metadata }) => metadata.ownerReferences?.some(({ uid }) => uid === job.metadata.uid))
    .sort((a, b) => compare(b.metadata.creationTimestamp, a.metadata.creationTimestamp));
  for (const pod of pods) {
    const ended = statusOf<PodStatus>(pod).containerStatuses?.[0]?.state?.terminated;
    if (ended === undefined) continue;
    const message = ended.message === '' ? undefined : ended.message;
    const killed = ended.reason === 'OOMKilled' ? 'out of memory' : undefined;
    return { message: message ?? killed, exitCode: ended.exitCode };
  }
  return undefined;
};

const compare = (a: string | undefined, b: string | undefined): number =>
  (a ?? '') < (b ?? '') ? -1 : 1;
