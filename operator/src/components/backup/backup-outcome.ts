import { componentOf, statusOf, type ContainerStatus, type PodStatus } from '../../objects/live.ts';
import type { KubeObject } from '../../runtime/kube-object.ts';
import type { Observed } from '../../steps/observed.ts';
import { shortened } from '../../steps/text.ts';

/** What a program in backups/ reports of a backup. */
export type ReportedBackup = { id: string; takenAt: string; bytes: number; rows: number };

export type Outcome =
  | { kind: 'succeeded'; at: string; backup: ReportedBackup }
  | { kind: 'failed'; at: string; message: string };

type Finished = PodStatus & { initContainerStatuses?: ContainerStatus[] };
type Ended = { exitCode?: number; message?: string; reason?: string; finishedAt?: string };

/** The end of the pods of CronJobs, whose Jobs carry no label of ours: newest last. */
export const outcomesOf = (observed: Observed, component: 'backup' | 'verify'): Outcome[] =>
  observed.pods
    .filter((pod) => componentOf(pod) === component)
    .flatMap((pod) => outcomeOf(pod) ?? [])
    .sort((a, b) => (a.at < b.at ? -1 : 1));

const endsIn = (pod: KubeObject): Ended[] => {
  const { initContainerStatuses = [], containerStatuses = [] } = statusOf<Finished>(pod);
  return [...initContainerStatuses, ...containerStatuses].flatMap(
    ({ state }) => (state?.terminated as Ended | undefined) ?? [],
  );
};

const outcomeOf = (pod: KubeObject): Outcome | undefined => {
  const { phase } = statusOf<Finished>(pod);
  if (phase !== 'Succeeded' && phase !== 'Failed') return undefined;
  const ends = endsIn(pod);
  const at =
    ends
      .map(({ finishedAt = '' }) => finishedAt)
      .sort()
      .at(-1) ??
    pod.metadata.creationTimestamp ??
    '';
  if (phase === 'Succeeded') {
    const backup = reportedIn(ends.at(-1)?.message);
    return backup === undefined
      ? { kind: 'failed', at, message: 'The program reported no backup.' }
      : { kind: 'succeeded', at, backup };
  }
  const failed = ends.find(({ exitCode }) => exitCode !== undefined && exitCode !== 0);
  const reason = failed?.reason === 'OOMKilled' ? 'Out of memory: raise spec.jobs.resources.' : '';
  const message = shortened([reason, failed?.message ?? ''].join(' '));
  return { kind: 'failed', at, message: message === '' ? 'See the log of its pod.' : message };
};

const reportedIn = (message = ''): ReportedBackup | undefined => {
  try {
    const { stored, verified } = JSON.parse(message) as Record<string, ReportedBackup | undefined>;
    return stored ?? verified;
  } catch {
    return undefined;
  }
};
