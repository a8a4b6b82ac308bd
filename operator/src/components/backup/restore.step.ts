import { runJob } from '../../steps/run-job.ts';
import {
  done,
  isDone,
  notTrueSince,
  waiting,
  type Context,
  type Step,
  type StepResult,
} from '../../steps/step.ts';
import { contentHash, findContent } from '../secret-contents.ts';
import { restore, restoreJob } from './backup.component.ts';

const decide = (context: Context): StepResult => {
  const { resource, installed } = context;
  if (restore.when?.(resource) === false || installed || resource.status?.restored !== undefined) {
    return done({ reason: 'NotWanted', message: 'Nothing is to be restored.' });
  }
  if (!isDone(context, 'database')) {
    return waiting({ reason: 'Waiting', message: 'The restore waits for the database.' });
  }
  const secret = resource.spec.restoreFrom?.storage.s3?.credentialsSecretRef.name;
  if (secret !== undefined) {
    const found = contentHash(findContent(context, 'Secret', secret), {
      name: secret,
      keys: ['access-key-id', 'secret-access-key'],
    });
    if ('reason' in found) return waiting(found);
  }
  const outcome = runJob(context, restoreJob, {
    running: { reason: 'Restoring', message: 'The database is being filled from a backup.' },
    failed: (message) => ({
      reason: 'RestoreFailed',
      message: `The restore failed and changed nothing. Correct the cause in spec.restoreFrom. ${message}`,
    }),
    failingSince: notTrueSince(context, 'MigrationsApplied'),
  });
  if (outcome.kind === 'unfinished') return outcome.result;
  const { id, takenAt } = manifestIn(outcome.message);
  return done(
    { reason: 'Restored', message: `The database has the data of the backup ${id ?? ''}.` },
    {
      record: {
        restored: {
          completedAt: outcome.completedAt,
          ...(id === undefined ? {} : { backup: id }),
          ...(takenAt === undefined ? {} : { recoveryPoint: `${takenAt.slice(0, 19)}Z` }),
        },
      },
    },
  );
};

const manifestIn = (message = ''): { id?: string; takenAt?: string } => {
  try {
    return JSON.parse(message) as { id?: string; takenAt?: string };
  } catch {
    return {};
  }
};

/** A new database has the data of a backup, before anything else uses it. */
export const databaseIsRestored: Step = { name: 'restore', decide };
