import { runJob } from '../../steps/run-job.ts';
import { notTrueSince, type Context, type StepResult } from '../../steps/step.ts';
import { backupBeforeMigrations } from '../backup/backup.component.ts';

/**
 * The backup of what the migrations of a new version would change: the result while it is not published. A new
 * database has nothing to lose, and migrations that are only checked again change nothing.
 */
export const backupBefore = (
  context: Context,
  { isNewVersion }: { isNewVersion: boolean },
): StepResult | undefined => {
  const { resource, installed, target } = context;
  const isWanted = backupBeforeMigrations.when?.(resource) === true && installed && isNewVersion;
  if (!isWanted) return undefined;
  const outcome = runJob(context, backupBeforeMigrations, {
    running: {
      reason: 'BackingUp',
      message: `A backup is being made before the migrations of ${target}.`,
    },
    failed: (message) => ({
      reason: 'BackupFailed',
      message: `The backup before the migrations of ${target} failed, and they wait for it. ${resource.status?.version ?? ''} keeps running. Correct the cause, or set spec.backup.beforeMigrations to false. ${message}`,
    }),
    failingSince: notTrueSince(context, 'MigrationsApplied'),
  });
  return outcome.kind === 'unfinished' ? outcome.result : undefined;
};
