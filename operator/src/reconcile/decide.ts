import { seedJobName } from '../children/database-jobs.ts';
import { pausedAnnotation } from '../children/labels.ts';
import { foundation } from '../children/wanted-refs.ts';
import type { MovieTicketing } from '../resource/movie-ticketing.schema.ts';
import { decideDatabase } from './decide-database.ts';
import { decideGateway } from './decide-gateway.ts';
import { currentMigrationJob, decideMigrations, volumeUidOf } from './decide-migrations.ts';
import { decideSeed } from './decide-seed.ts';
import { decideServices } from './decide-services.ts';
import type { Manifest, Observed, OperatorSettings, Plan } from './observed.ts';
import { redactObserved, redactorOf } from './redaction.ts';
import { eventsOf, unlessSame } from './status.ts';
import { contextOf, toApply, type Context } from './step.ts';
import { deletingStatus, nameTakenStatus, pausedStatus } from './standstill.ts';
import { statusOfSteps, type Steps } from './summary.ts';
import { unneededChildren } from './unneeded.ts';

/**
 * From what was seen to what is to be done: database, migrations, seed, services, gateway, in this
 * order. Pure; never throws. Where all is as it should be the plan is empty and the status the same.
 */
export const decide = (seen: Observed, settings: OperatorSettings): Plan => {
  const redact = redactorOf(seen);
  const context = contextOf(redactObserved(seen, redact), settings);
  const plan = planOf(context);
  const status = unlessSame(seen.resource.status, redact(plan.status));
  const events = status === seen.resource.status ? [] : eventsOf(seen.resource, status);
  return { ...plan, status, events: redact(events) };
};

type Unannounced = Omit<Plan, 'events'>;

const nothingToDo = { create: [], apply: [], delete: [] };

const planOf = (context: Context): Unannounced => {
  const { resource, observed } = context;
  if (resource.metadata.deletionTimestamp !== undefined) {
    return { ...nothingToDo, status: deletingStatus(resource) };
  }
  if (isPaused(resource)) {
    return { ...nothingToDo, status: pausedStatus(resource, observed.now) };
  }
  if (observed.foreign.size > 0) {
    // Nobody tells us when others let go of a name.
    return { ...nothingToDo, status: nameTakenStatus(context), requeueAfterMs: 10_000 };
  }
  return planOfSteps(context);
};

const isPaused = ({ spec, metadata }: MovieTicketing): boolean =>
  spec.paused || metadata.annotations?.[pausedAnnotation] === 'true';

/** Nothing tells of time that has passed; and should a watch have missed something, this has not. */
const impatienceMs = 15_000;

const planOfSteps = (context: Context): Unannounced => {
  const { observed, installed } = context;
  const database = decideDatabase(context);
  const migrations = decideMigrations(context, database.done);
  const seed = decideSeed(context, database.done && migrations.done);
  // Once installed, a database that restarts or a seed that was changed holds up no new version.
  const migrated = migrations.done && (installed || (database.done && seed.done));
  const services = decideServices(context, migrated);
  const gateway = decideGateway(context, services.done);
  const steps: Steps = { database, migrations, seed, services, gateway };
  const results = Object.values(steps);
  const { status, ready } = statusOfSteps(context, steps);
  const waits = [...results.map((step) => step.requeueAfterMs), ready ? undefined : impatienceMs];
  const soonest = Math.min(...waits.filter((wait) => wait !== undefined));
  return {
    create: results.flatMap((step) => step.create),
    apply: [
      ...toApply(observed, foundation(context.resource)),
      ...results.flatMap((step) => step.apply),
    ] satisfies Manifest[],
    delete: [
      ...results.flatMap((step) => step.delete),
      ...unneededChildren(context, currentJobs(context)),
    ],
    status,
    ...(Number.isFinite(soonest) ? { requeueAfterMs: soonest } : {}),
  };
};

/** Jobs that stand for what the resource wants now. */
const currentJobs = (context: Context): ReadonlySet<string> =>
  new Set([currentMigrationJob(context), seedJobName(context.resource, volumeUidOf(context))]);
