import { statusOf } from '../../objects/live.ts';
import { keyOf } from '../../objects/manifest.ts';
import type { MovieTicketingStatus } from '../../resource/movie-ticketing.schema.ts';
import { changesFor, manifestOf } from '../../steps/component.ts';
import { problemOfPods } from '../../steps/pod-problems.ts';
import { refusalOf } from '../../steps/refusals.ts';
import {
  done,
  waiting,
  type Context,
  type Finding,
  type Step,
  type StepResult,
} from '../../steps/step.ts';
import { contentHash, findContent } from '../secret-contents.ts';
import { backupCronJob, verifyCronJob } from './backup.component.ts';
import { outcomesOf, type Outcome } from './backup-outcome.ts';

type BackupStatus = NonNullable<MovieTicketingStatus['backup']>;
/** undefined removes a field. */
type Changes = { [Field in keyof BackupStatus]: BackupStatus[Field] | undefined };

const notWanted = done({ reason: 'NotWanted', message: 'spec.backup is not set.' });

/** What the pods that ended since have to tell; they are gone later. */
const recorded = (context: Context): BackupStatus => {
  const before = context.resource.status?.backup ?? {};
  const after: Changes = { ...before, ...stored(context, before), ...verified(context, before) };
  return JSON.parse(JSON.stringify(after)) as BackupStatus;
};

const newest = (context: Context, component: 'backup' | 'verify'): Outcome | undefined =>
  outcomesOf(context.observed, component).at(-1);

const stored = (context: Context, before: BackupStatus): Changes => {
  const outcome = newest(context, 'backup');
  if (outcome === undefined) return {};
  if (outcome.kind === 'failed') {
    const since = before.failure?.since ?? outcome.at;
    return { failure: { since, message: outcome.message } };
  }
  const { id, takenAt, bytes, rows } = outcome.backup;
  return {
    failure: undefined,
    lastSuccess: outcome.at,
    recoveryPoint: takenAt,
    last: id,
    size: bytes,
    rows,
  };
};

const verified = (context: Context, before: BackupStatus): Changes => {
  const outcome = newest(context, 'verify');
  if (outcome === undefined) return {};
  if (outcome.kind === 'failed') {
    const since = before.verificationFailure?.since ?? outcome.at;
    return { verificationFailure: { since, message: outcome.message } };
  }
  return {
    verificationFailure: undefined,
    lastVerified: outcome.at,
    verified: outcome.backup.id,
  };
};

/** The key of the bucket is missing: pods could not start. */
const missingKey = (context: Context): Finding | undefined => {
  const name = context.resource.spec.backup?.storage.s3?.credentialsSecretRef.name;
  if (name === undefined) return undefined;
  const found = contentHash(findContent(context, 'Secret', name), {
    name,
    keys: ['access-key-id', 'secret-access-key'],
  });
  return 'reason' in found ? found : undefined;
};

const hourMs = 3_600_000;

/** A Job that was due has not ended for an hour: its pod waits for something. */
const lateness = (context: Context, { lastSuccess = '' }: BackupStatus): Finding | undefined => {
  const live = context.observed.owned.get(keyOf(manifestOf(backupCronJob, context)));
  const { lastScheduleTime = '' } = statusOf<{ lastScheduleTime: string }>(live);
  const late = context.observed.now.getTime() - Date.parse(lastScheduleTime);
  if (lastScheduleTime <= lastSuccess || !(late > hourMs)) return undefined;
  const pods = problemOfPods(context.observed, 'backup', keyOf(manifestOf(backupCronJob, context)));
  return {
    reason: 'BackupLate',
    message: `The backup of ${lastScheduleTime} has not ended. ${pods?.message ?? 'See kubectl get jobs, and the log of its pod.'}`,
  };
};

const lastGood = ({ lastSuccess, recoveryPoint }: BackupStatus): string =>
  lastSuccess === undefined
    ? 'There is no backup yet.'
    : `The last backup has everything until ${recoveryPoint ?? ''}.`;

const decideBackup = (context: Context): StepResult => {
  if (context.resource.spec.backup === undefined) return notWanted;
  const status = recorded(context);
  const more = {
    ...changesFor(context, [backupCronJob]),
    serving: true,
    record: { backup: status },
  };
  const problem =
    missingKey(context) ??
    refusalOf(context.observed, [manifestOf(backupCronJob, context)]) ??
    failureOf('BackupFailed', 'backup', status.failure, lastGood(status)) ??
    lateness(context, status);
  if (problem !== undefined) return waiting(problem, more);
  if (status.lastSuccess === undefined) {
    // Not a reason to wait: the system is complete before its first backup.
    return done(
      { reason: 'BackupPending', message: 'There is no backup yet: the first one is scheduled.' },
      { ...more, status: 'Unknown' },
    );
  }
  return done({ reason: 'BackupStored', message: lastGood(status) }, more);
};

const failureOf = (
  reason: 'BackupFailed' | 'VerificationFailed',
  what: string,
  failure: { since: string; message: string } | undefined,
  consequence: string,
): Finding | undefined =>
  failure === undefined
    ? undefined
    : {
        reason,
        message: `The ${what} has failed since ${failure.since}: ${failure.message} ${consequence}`,
      };

const decideVerification = (context: Context): StepResult => {
  if (context.resource.spec.backup === undefined) return notWanted;
  const status = recorded(context);
  const more = { ...changesFor(context, [verifyCronJob]), serving: true };
  const problem =
    refusalOf(context.observed, [manifestOf(verifyCronJob, context)]) ??
    failureOf(
      'VerificationFailed',
      'verification',
      // Without a backup there is nothing to verify, and BackupHealthy says so.
      status.lastSuccess === undefined ? undefined : status.verificationFailure,
      'Old backups are kept until it succeeds.',
    );
  if (problem !== undefined) return waiting(problem, more);
  if (status.lastVerified === undefined) {
    return done(
      { reason: 'NotVerified', message: 'No backup has been verified yet: it is scheduled.' },
      { ...more, status: 'Unknown' },
    );
  }
  return done(
    {
      reason: 'Verified',
      message: `The backup ${status.verified ?? ''} was restored and checked at ${status.lastVerified}.`,
    },
    more,
  );
};

/** Regular backups are published. */
export const backupsAreStored: Step = {
  name: 'backup',
  condition: 'BackupHealthy',
  when: ({ spec }) => spec.backup !== undefined,
  decide: decideBackup,
};

/** The newest backup was restored and checked. */
export const backupsAreVerified: Step = {
  name: 'verification',
  condition: 'RestoreVerified',
  when: ({ spec }) => spec.backup !== undefined,
  decide: decideVerification,
};
