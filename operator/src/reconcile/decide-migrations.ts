import { databaseTarget } from '../children/database-connection.ts';
import { exitCodes, migrationJob, migrationJobName } from '../children/database-jobs.ts';
import { runJob } from './decide-job.ts';
import { done, waiting, type Context, type Finding, type StepResult } from './step.ts';

/** Step two: the database has the migrations of the version asked for. */
export const decideMigrations = (context: Context, databaseDone: boolean): StepResult => {
  const { resource, settings, target } = context;
  const recorded = resource.status?.migrations;
  const applied = {
    reason: 'MigrationsApplied',
    message: `The database has the migrations of ${target}.`,
  } as const;
  const name = migrationJobName(resource, settings, volumeUidOf(context));
  if (recorded?.lastJob === name && recorded.completedAt !== undefined) return done(applied);
  if (!databaseDone) {
    return waiting({ reason: 'Waiting', message: 'Migrations wait for the database.' });
  }
  const outcome = runJob(context, migrationJob(resource, settings, name), {
    running: { reason: 'Migrating', message: `The migrations of ${target} run.` },
    failed: (said, exitCode) => explain(context, said, exitCode),
    failingSince: sinceOf(context, 'MigrationsApplied'),
    // One that is older than another's run says nothing of what the database has now.
    counts: (completedAt) =>
      recorded?.completedAt === undefined || completedAt >= recorded.completedAt,
  });
  if (outcome.kind === 'other') return outcome.result;
  const current = migrationIn(outcome.said);
  return done(applied, {
    remember: {
      migrations: {
        ...(current === undefined ? {} : { current }),
        lastJob: name,
        completedAt: outcome.completedAt,
      },
    },
  });
};

/** The claim's own identity: a volume made anew under the same name is an empty database. */
export const volumeUidOf = ({ observed, names }: Context): string | undefined =>
  observed.children.get(`PersistentVolumeClaim/${names.postgres}`)?.metadata.uid;

export const sinceOf = ({ resource }: Context, type: string): string | undefined =>
  resource.status?.conditions?.find((condition) => condition.type === type)?.lastTransitionTime;

/** migrations/src/main.ts ends with "the database is at 0005_seed_runs". */
const migrationIn = (said: string | undefined): string | undefined =>
  /the database is at (\d{4}_[a-z0-9_]+)/.exec(said ?? '')?.[1];

const explain = (context: Context, said: string, exitCode: number | undefined): Finding => {
  const { resource, target } = context;
  const serves = resource.status?.version;
  const meanwhile = serves === undefined ? '' : ` ${serves} serves on.`;
  if (exitCode === exitCodes.databaseAhead) {
    return {
      reason: 'DatabaseAhead',
      message: `${target} is older than the database: it cannot serve it. Set spec.version to ${serves ?? 'a newer version'} or newer.${meanwhile} ${said}`,
    };
  }
  if (exitCode === exitCodes.databaseUnreachable) {
    const { host, port } = databaseTarget(resource);
    return {
      reason: 'DatabaseUnreachable',
      message: `The database at ${host}:${String(port)} lets nobody in. Check spec.database and its Secret, and that it is up.${meanwhile} ${said}`,
    };
  }
  return {
    reason: 'MigrationFailed',
    message: `The migrations of ${target} failed and were rolled back. Put the cause right or go back to the version before.${meanwhile} ${said}`,
  };
};
