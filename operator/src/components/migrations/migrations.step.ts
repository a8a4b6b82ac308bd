import type { MovieTicketing } from '../../resource/movie-ticketing.schema.ts';
import { changesFor } from '../../steps/component.ts';
import { isProblem, type Reason } from '../../steps/reasons.ts';
import { runJob } from '../../steps/run-job.ts';
import {
  done,
  isDone,
  notTrueSince,
  waiting,
  type Context,
  type Finding,
  type Step,
  type StepResult,
} from '../../steps/step.ts';
import { shortened } from '../../steps/text.ts';
import { databaseTarget } from '../database-connection.ts';
import { hasProgramLogins } from '../names.ts';
import { backupBefore } from './backup-before.ts';
import { hasSetLogins, migrationJob } from './migrations.component.ts';
import { loginsSecret, wantedLoginsHash } from './service-logins.ts';

/** Exit codes of migrations/src/main.ts. A retry cannot cure the first, but may cure the second. */
const exitCodes = { databaseAhead: 3, databaseUnreachable: 4 } as const;

const decideMigrations = (context: Context): StepResult => {
  const recorded = context.resource.status?.migrations;
  const jobName = migrationJob.hashedName(context);
  const recordedAt = recorded?.lastJob === jobName ? recorded.completedAt : undefined;
  const databaseDone = isDone(context, 'database') && isDone(context, 'restore');
  const mustRunAgain = (completedAt: string): boolean =>
    recorded?.logins !== wantedLoginsHash(context) || needsRecheck(context, completedAt);
  if (recordedAt !== undefined && !(databaseDone && mustRunAgain(recordedAt))) {
    return done(applied(context, recorded?.message));
  }
  if (!databaseDone) {
    return waiting({ reason: 'Waiting', message: 'Migrations wait for the database.' });
  }
  if (hasProgramLogins(context.resource) && wantedLoginsHash(context) === undefined) {
    return waiting({ reason: 'Migrating', message: 'Creating the logins of the services.' });
  }
  const saving = backupBefore(context, {
    isNewVersion: context.resource.status?.version !== context.target,
  });
  if (saving !== undefined) return saving;
  const outcome = runJob(context, migrationJob, {
    running: { reason: 'Migrating', message: `The migrations of ${context.target} are running.` },
    failed: (message, exitCode) => explainFailure(context, message, exitCode),
    failingSince: notTrueSince(context, 'MigrationsApplied'),
    // A Job that is older than the last run of another says nothing about the present schema.
    isCurrent: (completedAt, _, job) =>
      hasSetLogins(context, job) &&
      !needsRecheck(context, completedAt) &&
      (recorded?.completedAt === undefined || completedAt >= recorded.completedAt),
  });
  if (outcome.kind === 'complete') return completed(context, jobName, outcome);
  const { result } = outcome;
  return recordedAt === undefined || isProblem(result.finding.reason)
    ? result
    : whileRechecking(context, result);
};

/** The Secret with the logins comes before the Job, and takes the steps of a rotation. */
const decide = (context: Context): StepResult => {
  const result = decideMigrations(context);
  const { create, apply } = changesFor(context, [loginsSecret]);
  const isCreated = create.length > 0;
  return {
    ...result,
    create: [...result.create, ...create],
    apply: [...result.apply, ...apply],
    ...(isCreated ? { requeueAfterMs: 1_000 } : {}),
  };
};

/** The database has the migrations of the requested version. */
export const migrationsAreApplied: Step = {
  name: 'migrations',
  condition: 'MigrationsApplied',
  decide,
};

/** The last condition stays until the recheck has a result: a problem, or success. */
const whileRechecking = (context: Context, { apply, delete: deleted }: StepResult): StepResult => {
  const { status } = context.resource;
  const last = status?.conditions?.find(({ type }) => type === 'MigrationsApplied');
  const reason = last?.reason as Reason | undefined;
  return last?.status === 'False' && reason !== undefined && isProblem(reason)
    ? waiting({ reason, message: last.message }, { apply, delete: deleted })
    : done(applied(context, status?.migrations?.message), { apply, delete: deleted });
};

const applied = ({ target }: Context, message: string | undefined): Finding => ({
  reason: 'MigrationsApplied',
  message: [`The database has the migrations of ${target}.`, message].filter(Boolean).join(' '),
});

const completed = (
  context: Context,
  jobName: string,
  { message: output, completedAt }: { message: string | undefined; completedAt: string },
): StepResult => {
  const { current, message } = parseOutput(output);
  const logins = wantedLoginsHash(context);
  return done(applied(context, message), {
    record: {
      migrations: {
        ...(current === undefined ? {} : { current }),
        lastJob: jobName,
        completedAt,
        ...(logins === undefined ? {} : { logins }),
        ...(message === undefined ? {} : { message }),
      },
    },
  });
};

const recheckAfterMs = 300_000;

/**
 * Services that do not become ready have most often lost their database, or got another one under its name
 * (an older copy, or one without roles). The migrations find out and repair; an up-to-date database they
 * only read. Nothing else would report a lost external database.
 */
const needsRecheck = ({ observed, resource }: Context, completedAt: string): boolean =>
  areServicesUnready(resource) && observed.now.getTime() - Date.parse(completedAt) > recheckAfterMs;

const areServicesUnready = ({ status }: MovieTicketing): boolean =>
  status?.conditions?.some(
    ({ type, reason }) =>
      type === 'ServicesReady' && (reason === 'PodsNotReady' || reason === 'PodCrashing'),
  ) === true;

/** migrations/src/main.ts ends with "the database is at 0005_seed_runs"; a second line holds a warning. */
const parseOutput = (output = ''): { current: string | undefined; message: string | undefined } => {
  const [first = '', ...rest] = output.split('\n');
  const message = shortened(rest.join(' '), 1_000);
  return {
    current: /the database is at (\d{4}_[a-z0-9_]+)/.exec(first)?.[1],
    message: message === '' ? undefined : message,
  };
};

const explainFailure = (
  context: Context,
  output: string,
  exitCode: number | undefined,
): Finding => {
  const { resource, target } = context;
  const running = resource.status?.version;
  const meanwhile =
    running === undefined || areServicesUnready(resource) ? '' : ` ${running} keeps running.`;
  if (exitCode === exitCodes.databaseAhead) {
    // After a return half way through an upgrade the running version is not the migrated one.
    const enough =
      running === undefined || running === target ? 'the version last migrated to' : running;
    return {
      reason: 'DatabaseAhead',
      message: `${target} is older than the database schema and cannot use it. Set spec.version to ${enough}, or newer.${meanwhile} ${output}`,
    };
  }
  if (exitCode === exitCodes.databaseUnreachable) {
    const { host, port } = databaseTarget(resource);
    return {
      reason: 'DatabaseUnreachable',
      message: `Cannot connect to the database at ${host}:${String(port)}. Check spec.database and its Secret, and that the database is running.${meanwhile} ${output}`,
    };
  }
  return {
    reason: 'MigrationFailed',
    message: `The migrations of ${target} failed and were rolled back. Correct the cause or return to the previous version.${meanwhile} ${output}`,
  };
};
