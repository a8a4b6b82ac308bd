import { ownedObjects } from '../components/components.ts';
import { gatewayUrl } from '../components/gateway/gateway-url.ts';
import { rotationRecord } from '../components/migrations/service-logins.ts';
import { nameOf, type ServiceName } from '../components/names.ts';
import { statusOf, type DeploymentStatus } from '../objects/live.ts';
import type { MovieTicketingStatus } from '../resource/movie-ticketing.schema.ts';
import { isProblem } from '../steps/reasons.ts';
import { missingKind } from '../steps/component.ts';
import { explainRefusal } from '../steps/refusals.ts';
import type { Context, Finding, Step, StepName, StepResult } from '../steps/step.ts';
import { conditionsOf, type Judgement, type Judgements } from './conditions.ts';

type Completed = Context & { earlier: Readonly<Record<StepName, StepResult>> };

/** The whole status after all steps, and whether everything is as specified. */
export const overallStatus = (
  context: Completed,
  steps: readonly Step[],
): { status: MovieTicketingStatus; ready: boolean } => {
  const { resource, target, observed, earlier: results } = context;
  const before = resource.status;
  const reached = results.services.done && results.gateway.done;
  const judged = judge(context, steps);
  const url = gatewayUrl(context) ?? before?.url;
  const { migrations = before?.migrations } = results.migrations.record ?? {};
  const { seededBy = before?.seededBy } = results.seed.record ?? {};
  const { restored = before?.restored } = results.restore.record ?? {};
  const { backup } = results.backup.record ?? {};
  const rotation = rotationRecord(context);
  // Of a part that the spec no longer has.
  const unwanted = new Set<string | undefined>(
    steps.flatMap(({ condition, when }) => (when?.(resource) === false ? [condition] : [])),
  );
  const version = reached ? target : before?.version;
  return {
    ready: judged.ready,
    status: {
      observedGeneration: resource.metadata.generation,
      phase: phaseOf(context, judged),
      ...(version === undefined ? {} : { version }),
      ...(url === undefined || version === undefined ? {} : { url }),
      replicas: readyReplicas(context),
      ...(migrations === undefined ? {} : { migrations }),
      ...(rotation === undefined ? {} : { rotation: { databasePasswords: rotation } }),
      ...(backup === undefined ? {} : { backup }),
      ...(restored === undefined ? {} : { restored }),
      ...(seededBy === undefined ? {} : { seededBy }),
      conditions: conditionsOf(resource, judged.judgements, observed.now).filter(
        ({ type }) => !unwanted.has(type),
      ),
    },
  };
};

type Judged = { judgements: Judgements; ready: boolean; problems: readonly Finding[] };

const judge = (context: Completed, steps: readonly Step[]): Judged => {
  const { installed, target, resource, earlier: results } = context;
  const unfinished = Object.values(results).find((step) => !step.done);
  const problems = problemsOf(context);
  const ready = unfinished === undefined && problems.length === 0;
  const cause = problems[0] ?? unfinished?.finding ?? running(target);
  const keepsRunning =
    installed && isServing(context) ? `${resource.status?.version ?? ''} keeps running. ` : '';
  const judgements: Judgements = {
    ...Object.fromEntries(
      steps.flatMap(({ name, condition, when }) =>
        condition === undefined || when?.(resource) === false
          ? []
          : [[condition, judgementOf(results[name])]],
      ),
    ),
    DatabaseReady: databaseJudgement(context),
    Ready: ready
      ? judgement('True', running(target))
      : judgement('False', { reason: cause.reason, message: `${keepsRunning}${cause.message}` }),
    Available: available(context),
    Progressing: progressing(context, ready, problems.length > 0),
    Degraded: degraded(context, problems),
  };
  return { judgements, ready, problems };
};

const judgement = (status: Judgement['status'], finding: Finding): Judgement => ({
  status,
  finding,
});

const running = (target: string): Finding => ({
  reason: 'Serving',
  message: `${target} is running.`,
});

const judgementOf = ({ status, finding }: StepResult): Judgement => ({ status, finding });

/** Only the migrations connect to an external database and know its state. */
const databaseJudgement = ({ resource, earlier }: Completed): Judgement => {
  const { database, migrations } = earlier;
  if (resource.spec.database.external === undefined || !database.done) return judgementOf(database);
  if (migrations.finding.reason === 'DatabaseUnreachable') return judgementOf(migrations);
  if (migrations.done) return judgementOf(database);
  return judgement('Unknown', {
    reason: 'DatabaseNotTried',
    message: `${database.finding.message} The migrations connect to it first.`,
  });
};

const problemsOf = ({ observed, resource, earlier }: Completed): Finding[] => {
  const missing = ownedObjects.flatMap((object) =>
    object.when?.(resource) === false ? [] : (missingKind(observed, object) ?? []),
  );
  const found = Object.values(earlier).flatMap(({ done, finding, additionalProblem }) => [
    ...(!done && isProblem(finding.reason) ? [finding] : []),
    ...(additionalProblem === undefined ? [] : [additionalProblem]),
  ]);
  // Objects that belong to no step, such as network policies.
  const refused = [...observed.refusals].map(([key, { message, status }]) =>
    explainRefusal(key, message, status),
  );
  const all = [...found, ...missing, ...(found.length === 0 ? refused.slice(0, 1) : [])];
  return [...new Map(all.map((finding) => [finding.message, finding])).values()];
};

const isServing = ({ earlier: { database, services, gateway } }: Completed): boolean =>
  database.serving && services.serving && gateway.serving;

/** Whether tickets can be booked now, whatever else is wrong or in progress. */
const available = (context: Completed): Judgement => {
  const { database, services, gateway } = context.earlier;
  const down = [database, services, gateway].find((step) => !step.serving);
  if (down !== undefined) return judgement('False', down.finding);
  const without = Object.entries(readyReplicas(context)).filter(([, count]) => count === 0);
  if (without.length > 0) {
    const names = without.map(([name]) => name).join(', ');
    return judgement('False', {
      reason: 'ScaledToZero',
      message: `No pods of ${names}: replicas is 0. Set it to 1 or more.`,
    });
  }
  return judgement('True', { reason: 'Serving', message: 'Tickets can be booked.' });
};

const progressing = (
  { installed, resource, target }: Completed,
  ready: boolean,
  blocked: boolean,
): Judgement => {
  if (ready) {
    return judgement('False', { reason: 'Settled', message: 'Everything is as specified.' });
  }
  if (blocked) {
    return judgement('False', {
      reason: 'Blocked',
      message: 'Continues once the problem in the condition Degraded is solved.',
    });
  }
  if (!installed) {
    return judgement('True', { reason: 'Installing', message: `Installing ${target}.` });
  }
  const from = resource.status?.version;
  return from === target
    ? judgement('True', { reason: 'Updating', message: 'Applying changes.' })
    : judgement('True', { reason: 'Upgrading', message: `From ${from ?? ''} to ${target}.` });
};

const degraded = (context: Completed, problems: readonly Finding[]): Judgement => {
  const [first] = problems;
  if (first !== undefined) {
    const message = problems.map((finding) => finding.message).join(' Also: ');
    return judgement('True', { reason: first.reason, message });
  }
  if (context.installed && !isServing(context)) {
    const { database, services, gateway } = context.earlier;
    const down = [database, services, gateway].find((step) => !step.serving);
    return judgement('True', down?.finding ?? running(context.target));
  }
  return judgement('False', { reason: 'NoProblem', message: 'No problem.' });
};

const phaseOf = (
  context: Completed,
  { ready, problems }: Judged,
): NonNullable<MovieTicketingStatus['phase']> => {
  if (ready) return 'Running';
  if (problems.length > 0) return 'Degraded';
  if (!context.installed) return 'Installing';
  if (!isServing(context)) return 'Degraded';
  return context.resource.status?.version === context.target ? 'Running' : 'Upgrading';
};

const readyReplicas = ({
  observed,
  resource,
}: Completed): NonNullable<MovieTicketingStatus['replicas']> => {
  const ready = (component: ServiceName | 'gateway'): number =>
    statusOf<DeploymentStatus>(observed.owned.get(`Deployment/${nameOf(resource, component)}`))
      .readyReplicas ?? 0;
  return {
    catalog: ready('catalog'),
    users: ready('users'),
    bookings: ready('bookings'),
    gateway: ready('gateway'),
  };
};
