import {
  componentOf,
  conditionIs,
  isGoing,
  stateOf,
  type JobState,
  type PodState,
} from './live.ts';
import { isAsApplied } from './difference.ts';
import type { KubeObject } from '../runtime/kube-object.ts';
import { keyOf, type Manifest } from './observed.ts';
import { problemOfPods } from './pod-problems.ts';
import {
  deletionOf,
  instant,
  refusal,
  shortened,
  waiting,
  type Context,
  type Finding,
  type StepResult,
} from './step.ts';

/** What a Job has come to; `failed` and `running` say all there is to say, `complete` is for the caller. */
export type JobOutcome =
  | { kind: 'complete'; job: KubeObject; completedAt: string; said: string | undefined }
  | { kind: 'other'; result: StepResult };

type JobTexts = {
  running: Finding;
  /** From what the program said last and its exit code. */
  failed: (said: string, exitCode: number | undefined) => Finding;
  /** When the condition that this Job decides became what it is; retries slow down as it stays so. */
  failingSince: string | undefined;
  /** Whether a Job that is complete tells of the present; one that does not is run again. */
  counts?: (completedAt: string) => boolean;
};

/** Runs a Job until it has succeeded: makes it, makes it anew where it is outdated or has failed. */
export const runJob = (context: Context, desired: Manifest, texts: JobTexts): JobOutcome => {
  const { observed } = context;
  const live = observed.children.get(keyOf(desired));
  if (live === undefined) {
    const refused = refusal(observed, [desired]);
    return other(waiting(refused ?? texts.running, { apply: [desired] }));
  }
  if (isGoing(live)) return other(waiting(texts.running));
  const { conditions, completionTime } = stateOf<JobState>(live);
  const complete = conditionIs(conditions, 'Complete');
  if (complete !== undefined) {
    const completedAt = completionTime ?? complete.lastTransitionTime ?? instant(observed.now);
    if (texts.counts?.(completedAt) === false) {
      return other(waiting(texts.running, { delete: [deletionOf(live)] }));
    }
    return { kind: 'complete', job: live, completedAt, said: lastWords(context, live)?.message };
  }
  // A Job cannot be changed. One that was right when it failed is not worth its backoff.
  if (!isAsApplied(desired, live)) {
    return other(waiting(texts.running, { delete: [deletionOf(live)] }));
  }
  const failure = conditionIs(conditions, 'Failed');
  if (failure !== undefined) return other(failedJob(context, live, texts, failure));
  const component = componentOf(live) ?? '';
  return other(waiting(problemOfPods(observed, component, keyOf(live)) ?? texts.running));
};

const other = (result: StepResult): JobOutcome => ({ kind: 'other', result });

const shortestRetryMs = 10_000;
const longestRetryMs = 300_000;

const failedJob = (
  context: Context,
  live: KubeObject,
  { failed, failingSince }: JobTexts,
  failure: { message?: string; lastTransitionTime?: string },
): StepResult => {
  const words = lastWords(context, live);
  const finding = failed(
    shortened(words?.message ?? failure.message ?? 'it said nothing'),
    words?.exitCode,
  );
  const now = context.observed.now.getTime();
  const failedAt = timeOf(failure.lastTransitionTime) ?? now;
  const failingFor = failedAt - (timeOf(failingSince) ?? failedAt);
  // Half as long again as it has failed for: a short fault heals soon, a long one is asked seldom.
  const delay = Math.min(Math.max(failingFor / 2, shortestRetryMs), longestRetryMs);
  const left = failedAt + delay - now;
  const retry = `It is tried again at ${instant(new Date(failedAt + delay))}.`;
  return waiting(
    { ...finding, message: `${finding.message} ${retry}` },
    left <= 0 ? { delete: [deletionOf(live)] } : { requeueAfterMs: Math.ceil(left) },
  );
};

const timeOf = (text: string | undefined): number | undefined => {
  const time = Date.parse(text ?? '');
  return Number.isNaN(time) ? undefined : time;
};

/** What the newest of a Job's pods left as its termination message. */
const lastWords = (
  { observed }: Context,
  job: KubeObject,
): { message: string | undefined; exitCode: number | undefined } | undefined => {
  const pods = observed.pods
    .filter(({ metadata }) => metadata.ownerReferences?.some(({ uid }) => uid === job.metadata.uid))
    .sort((a, b) => compare(b.metadata.creationTimestamp, a.metadata.creationTimestamp));
  for (const pod of pods) {
    const ended = stateOf<PodState>(pod).containerStatuses?.[0]?.state?.terminated;
    if (ended === undefined) continue;
    const said = ended.message === '' ? undefined : ended.message;
    const killed = ended.reason === 'OOMKilled' ? 'it ran out of memory' : undefined;
    return { message: said ?? killed, exitCode: ended.exitCode };
  }
  return undefined;
};

const compare = (a: string | undefined, b: string | undefined): number =>
  (a ?? '') < (b ?? '') ? -1 : 1;
