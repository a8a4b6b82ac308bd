import { backupsAreStored, backupsAreVerified } from '../components/backup/backup.step.ts';
import { databaseIsRestored } from '../components/backup/restore.step.ts';
import { foundation } from '../components/components.ts';
import { gatewayRoutesToServices } from '../components/gateway/gateway.step.ts';
import { gatewayIsRouted } from '../components/gateway/route.ts';
import { versionOf } from '../components/images.ts';
import { migrationsAreApplied } from '../components/migrations/migrations.step.ts';
import { databaseAcceptsConnections } from '../components/postgres/database.step.ts';
import { seedDataIsLoaded } from '../components/seed/seed.step.ts';
import { servicesRunTheVersion } from '../components/services/services.step.ts';
import { appliedAnnotation, pausedAnnotation } from '../objects/labels.ts';
import { keyOf, type Manifest, type ObjectKey } from '../objects/manifest.ts';
import type { OperatorSettings } from '../objects/settings.ts';
import { changesFor } from '../steps/component.ts';
import type { Observed } from '../steps/observed.ts';
import type { Context, Step, StepName, StepResult } from '../steps/step.ts';
import { eventsOf, unlessSame } from './conditions.ts';
import { deletingStatus, nameTakenStatus, pausedStatus } from './inactive-status.ts';
import { obsoleteObjects } from './obsolete-objects.ts';
import { overallStatus } from './overall-status.ts';
import type { Plan } from './plan.ts';
import { makeRedactor, redactObserved } from './redaction.ts';

type PlanWithoutEvents = Omit<Plan, 'events'>;
type Guard = (context: Context) => PlanWithoutEvents | undefined;

const noChanges = { create: [], keep: [], apply: [], delete: [], withheld: [] };

/** The operator changes nothing where one of these applies; the first that does decides the status. */

const resourceIsBeingDeleted: Guard = ({ resource }) =>
  resource.metadata.deletionTimestamp === undefined
    ? undefined
    : { ...noChanges, status: deletingStatus(resource) };

const namespacePollMs = 30_000;

/** Whatever is created in such a namespace is refused, and the resource itself is deleted with it. */
const namespaceIsBeingDeleted: Guard = ({ observed, resource }) =>
  observed.namespaceIsTerminating
    ? { ...noChanges, status: deletingStatus(resource), requeueAfterMs: namespacePollMs }
    : undefined;

const reconciliationIsPaused: Guard = ({ resource, observed }) =>
  resource.spec.paused || resource.metadata.annotations?.[pausedAnnotation] === 'true'
    ? { ...noChanges, status: pausedStatus(resource, observed.now) }
    : undefined;

/** No watch reports when an object of others is deleted. */
const conflictPollMs = 10_000;

const namesAreTaken: Guard = (context) =>
  context.observed.conflicting.size === 0
    ? undefined
    : { ...noChanges, status: nameTakenStatus(context), requeueAfterMs: conflictPollMs };

const guards: readonly Guard[] = [
  resourceIsBeingDeleted,
  namespaceIsBeingDeleted,
  reconciliationIsPaused,
  namesAreTaken,
];

/** In this order. Each step sees the results of those before it and decides what it waits for. */
const steps: readonly Step[] = [
  databaseAcceptsConnections,
  databaseIsRestored,
  migrationsAreApplied,
  seedDataIsLoaded,
  servicesRunTheVersion,
  gatewayRoutesToServices,
  gatewayIsRouted,
  backupsAreStored,
  backupsAreVerified,
];

/**
 * From what was observed to what is to be done. Pure; never throws. Where everything is as specified the
 * plan is empty and the status the same.
 */
export const decide = (unredacted: Observed, settings: OperatorSettings): Plan => {
  const redact = makeRedactor(unredacted);
  const context = makeContext(redactObserved(unredacted, redact), settings);
  const plan = firstGuard(context) ?? planOfSteps(context);
  const status = unlessSame(unredacted.resource.status, redact(plan.status));
  const events = status === unredacted.resource.status ? [] : eventsOf(unredacted.resource, status);
  return { ...plan, status, events: redact(events) };
};

const makeContext = (observed: Observed, settings: OperatorSettings): Context => ({
  observed,
  settings,
  resource: observed.resource,
  target: versionOf(observed.resource, settings),
  installed: observed.resource.status?.version !== undefined,
  earlier: {},
});

const firstGuard: Guard = (context) => {
  for (const guard of guards) {
    const plan = guard(context);
    if (plan !== undefined) return plan;
  }
  return undefined;
};

/** While not Ready: some changes come with time alone, and a watch may have missed one. */
const pollMs = 15_000;

const planOfSteps = (context: Context): PlanWithoutEvents => {
  const all = runSteps(context);
  const results = Object.values(all.earlier);
  const { status, ready } = overallStatus(all, steps);
  const base = changesFor(
    context,
    foundation.filter(({ when }) => when?.(context.resource) !== false),
  );
  const create = [...base.create, ...results.flatMap((step) => step.create)];
  const apply = [...base.apply, ...results.flatMap((step) => step.apply)];
  const withheld = [...create, ...apply].flatMap((manifest) => withheldFor(context, manifest));
  const isSent = (manifest: Manifest): boolean =>
    !withheld.some(({ key }) => key === keyOf(manifest));
  const delays = [
    ...results.map((step) => step.requeueAfterMs),
    ...withheld.map(({ ms }) => ms),
    ready ? undefined : pollMs,
  ];
  const soonest = Math.min(...delays.filter((delay) => delay !== undefined));
  return {
    create: create.filter(isSent),
    keep: results.flatMap((step) => step.keep ?? []),
    apply: apply.filter(isSent),
    withheld: withheld.map(({ key }) => key),
    delete: [...results.flatMap((step) => step.delete), ...obsoleteObjects(context)],
    status,
    ...(Number.isFinite(soonest) ? { requeueAfterMs: soonest } : {}),
  };
};

/** How long to wait before the API server is asked again for what it has just refused. */
const withheldFor = (
  { observed }: Context,
  manifest: Manifest,
): { key: ObjectKey; ms: number }[] => {
  const key = keyOf(manifest);
  const retry = observed.refusals.get(key)?.retry;
  if (retry === undefined) return [];
  if (retry.manifestHash !== manifest.metadata.annotations[appliedAnnotation]) return [];
  const ms = retry.at.getTime() - observed.now.getTime();
  return ms > 0 ? [{ key, ms }] : [];
};

type StepResults = Readonly<Record<StepName, StepResult>>;

/** The context after the last step. */
const runSteps = (context: Context): Context & { earlier: StepResults } =>
  steps.reduce(
    (current, step) => ({
      ...current,
      earlier: { ...current.earlier, [step.name]: step.decide(current) },
    }),
    context,
  ) as Context & { earlier: StepResults };
