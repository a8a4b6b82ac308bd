import { databaseTarget } from '../children/database-connection.ts';
import { exitCodes, migrationJob, migrationJobName } from '../children/database-jobs.ts';
import type { MovieTicketing } from '../resource/movie-ticketing.schema.ts';
import { databaseLogin } from './decide-database.ts';
import { runJob } from './decide-job.ts';
import { isProblem, type Reason } from './reasons.ts';
import { done, shortened, waiting, type Context, type Finding, type StepResult } from './step.ts';

/** Step two: the database has the migrations of the version asked for. */
export const decideMigrations = (context: Context, databaseDone: boolean): StepResult => {
  const { resource, settings } = context;
  const recorded = resource.status?.migrations;
  const name = currentMigrationJob(context);
  const knownOf = recorded?.lastJob === name ? recorded.completedAt : undefined;
  if (knownOf !== undefined && !(databaseDone && isDoubtful(context, knownOf))) {
    return done(applied(context, recorded?.message));
  }
  if (!databaseDone) {
    return waiting({ reason: 'Waiting', message: 'Migrations wait for the database.' });
  }
  const outcome = runJob(context, migrationJob(resource, settings, name), {
    running: { reason: 'Migrating', message: `The migrations of ${context.target} run.` },
    failed: (said, exitCode) => explain(context, said, exitCode),
    failingSince: sinceOf(context, 'MigrationsApplied'),
    // One that is older than another's run says nothing of what the database has now.
    counts: (completedAt) =>
      !isDoubtful(context, completedAt) &&
      (recorded?.completedAt === undefined || completedAt >= recorded.completedAt),
  });
  if (outcome.kind === 'complete') return remembered(context, name, outcome);
  const { result } = outcome;
  return knownOf === undefined || isProblem(result.finding.reason)
    ? result
    : whileAsking(context, result);
};

/** What was known holds until the database is found to be away, and that until it answers. */
const whileAsking = (context: Context, { apply, delete: gone }: StepResult): StepResult => {
  const { status } = context.resource;
  const said = status?.conditions?.find(({ type }) => type === 'MigrationsApplied');
  const reason = said?.reason as Reason | undefined;
  return said?.status === 'False' && reason !== undefined && isProblem(reason)
    ? waiting({ reason, message: said.message }, { apply, delete: gone })
    : done(applied(context, status?.migrations?.message), { apply, delete: gone });
};

const applied = ({ target }: Context, message: string | undefined): Finding => ({
  reason: 'MigrationsApplied',
  message: [`The database has the migrations of ${target}.`, message].filter(Boolean).join(' '),
});

const remembered = (
  context: Context,
  name: string,
  { said, completedAt }: { said: string | undefined; completedAt: string },
): StepResult => {
  const { current, message } = outcomeIn(said);
  return done(applied(context, message), {
    remember: {
      migrations: {
        ...(current === undefined ? {} : { current }),
        lastJob: name,
        completedAt,
        ...(message === undefined ? {} : { message }),
      },
    },
  });
};

/** The Job that stands for what the resource wants now. */
export const currentMigrationJob = (context: Context): string => {
  const { resource, settings } = context;
  const login = resource.spec.database.external === undefined ? undefined : databaseLogin(context);
  const loginHash = login !== undefined && 'hash' in login ? login.hash : undefined;
  return migrationJobName(resource, settings, volumeUidOf(context), loginHash);
};

const doubtMs = 300_000;

/**
 * Services that do not become ready have most often lost their database, or got another under its name (an
 * older copy, one without its roles). The migrations tell and heal; where there is nothing to do they do no
 * more than ask. Nobody else would tell of a database that is somebody else's.
 */
const isDoubtful = ({ observed, resource }: Context, completedAt: string): boolean =>
  areServicesLost(resource) && observed.now.getTime() - Date.parse(completedAt) > doubtMs;

const areServicesLost = ({ status }: MovieTicketing): boolean =>
  status?.conditions?.some(
    ({ type, reason }) =>
      type === 'ServicesReady' && (reason === 'PodsNotReady' || reason === 'PodCrashing'),
  ) === true;

/** The claim's own identity: a volume made anew under the same name is an empty database. */
export const volumeUidOf = ({ observed, names }: Context): string | undefined =>
  observed.children.get(`PersistentVolumeClaim/${names.postgres}`)?.metadata.uid;

/** Since when a condition has not been true. */
export const sinceOf = ({ resource }: Context, type: string): string | undefined =>
  resource.status?.conditions?.find(
    (condition) => condition.type === type && condition.status !== 'True',
  )?.lastTransitionTime;

/** migrations/src/main.ts ends with "the database is at 0005_seed_runs", and warns in a second line. */
const outcomeIn = (said = ''): { current: string | undefined; message: string | undefined } => {
  const [first = '', ...rest] = said.split('\n');
  const message = shortened(rest.join(' '), 1_000);
  return {
    current: /the database is at (\d{4}_[a-z0-9_]+)/.exec(first)?.[1],
    message: message === '' ? undefined : message,
  };
};

const explain = (context: Context, said: string, exitCode: number | undefined): Finding => {
  const { resource, target } = context;
  const serves = resource.status?.version;
  const meanwhile =
    serves === undefined || areServicesLost(resource) ? '' : ` ${serves} serves on.`;
  if (exitCode === exitCodes.databaseAhead) {
    // Gone back half way through an upgrade: what is said to serve is not what was migrated to.
    const enough =
      serves === undefined || serves === target ? 'the version last migrated to' : serves;
    return {
      reason: 'DatabaseAhead',
      message: `${target} is older than the database: it cannot serve it. Set spec.version to ${enough}, or newer.${meanwhile} ${said}`,
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
