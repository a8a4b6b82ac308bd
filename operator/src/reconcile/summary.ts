import { serviceNames } from '../children/names.ts';
import type { MovieTicketingStatus } from '../resource/movie-ticketing.schema.ts';
import { gatewayUrl } from './gateway-url.ts';
import { stateOf, type DeploymentState } from './live.ts';
import { isProblem } from './reasons.ts';
import { conditionsOf, type Judgement, type Judgements } from './status.ts';
import { explainRefusal, type Context, type Finding, type StepResult } from './step.ts';

export type Steps = Record<'database' | 'migrations' | 'seed' | 'services' | 'gateway', StepResult>;

/** What the steps come to: the whole status, and whether all is as the resource wants it. */
export const statusOfSteps = (
  context: Context,
  steps: Steps,
): { status: MovieTicketingStatus; ready: boolean } => {
  const { resource, target, observed } = context;
  const before = resource.status;
  const arrived = steps.services.done && steps.gateway.done;
  const judged = judgementsOf(context, steps);
  const url = gatewayUrl(context) ?? before?.url;
  const { migrations = before?.migrations } = steps.migrations.remember ?? {};
  const { seededBy = before?.seededBy } = steps.seed.remember ?? {};
  const version = arrived ? target : before?.version;
  return {
    ready: judged.ready,
    status: {
      observedGeneration: resource.metadata.generation,
      phase: phaseOf(context, steps, judged),
      ...(version === undefined ? {} : { version }),
      ...(url === undefined || version === undefined ? {} : { url }),
      replicas: readyPods(context),
      ...(migrations === undefined ? {} : { migrations }),
      ...(seededBy === undefined ? {} : { seededBy }),
      conditions: conditionsOf(resource, judged.judgements, observed.now),
    },
  };
};

type Judged = { judgements: Judgements; ready: boolean; wrong: readonly Finding[] };

const judgementsOf = (context: Context, steps: Steps): Judged => {
  const { installed, target, resource } = context;
  const results = Object.values(steps);
  const open = results.find((step) => !step.done);
  const wrong = problemsOf(context, results);
  const ready = open === undefined && wrong.length === 0;
  const first = wrong[0];
  const version = resource.status?.version;
  const servesOn = installed && isServing(steps) ? `${version ?? ''} serves on. ` : '';
  const why = first ?? open?.finding ?? serving(target);
  const judgements: Judgements = {
    Ready: ready
      ? is('True', serving(target))
      : is('False', { reason: why.reason, message: `${servesOn}${why.message}` }),
    Progressing: progressing(context, ready, first !== undefined),
    Degraded: degraded(context, steps, wrong),
    DatabaseReady: databaseJudgement(context, steps),
    MigrationsApplied: judgementOf(steps.migrations),
    Seeded: judgementOf(steps.seed),
    ServicesReady: judgementOf(steps.services),
    GatewayReady: judgementOf(steps.gateway),
  };
  return { judgements, ready, wrong };
};

const is = (status: Judgement['status'], finding: Finding): Judgement => ({ status, finding });

const serving = (target: string): Finding => ({ reason: 'Serving', message: `${target} serves.` });

const judgementOf = ({ status, finding }: StepResult): Judgement => ({ status, finding });

/** An external database is known by how the migrations fared with it. */
const databaseJudgement = ({ resource }: Context, { database, migrations }: Steps): Judgement => {
  if (resource.spec.database.external === undefined || !database.done) return judgementOf(database);
  if (migrations.finding.reason === 'DatabaseUnreachable') return judgementOf(migrations);
  if (migrations.done) return judgementOf(database);
  return is('Unknown', {
    reason: 'DatabaseNotTried',
    message: `${database.finding.message} The migrations are the first to ask it.`,
  });
};

const problemsOf = (context: Context, results: readonly StepResult[]): Finding[] => {
  const found = results.flatMap(({ done, finding, alsoWrong }) => [
    ...(!done && isProblem(finding.reason) ? [finding] : []),
    ...(alsoWrong === undefined ? [] : [alsoWrong]),
  ]);
  // Of objects that belong to no step, such as network policies.
  const refused = [...context.observed.applyErrors].map(([key, { message, status }]) =>
    explainRefusal(key, message, status),
  );
  const all = [...found, ...(found.length === 0 ? refused.slice(0, 1) : [])];
  return [...new Map(all.map((finding) => [finding.message, finding])).values()];
};

const isServing = ({ database, services, gateway }: Steps): boolean =>
  database.serving && services.serving && gateway.serving;

const progressing = (
  { installed, resource, target }: Context,
  ready: boolean,
  wrong: boolean,
): Judgement => {
  if (ready) return is('False', { reason: 'Settled', message: 'All is as the resource wants it.' });
  if (wrong) {
    return is('False', {
      reason: 'Blocked',
      message: 'It goes on once what the condition Degraded says is put right.',
    });
  }
  if (!installed)
    return is('True', { reason: 'Installing', message: `${target} is being installed.` });
  const from = resource.status?.version;
  return from === target
    ? is('True', { reason: 'Updating', message: 'What has changed is being put right.' })
    : is('True', { reason: 'Upgrading', message: `From ${from ?? ''} to ${target}.` });
};

const degraded = (context: Context, steps: Steps, wrong: readonly Finding[]): Judgement => {
  const [first] = wrong;
  if (first !== undefined) {
    const message = wrong.map((finding) => finding.message).join(' Also: ');
    return is('True', { reason: first.reason, message });
  }
  if (context.installed && !isServing(steps)) {
    const down = [steps.database, steps.services, steps.gateway].find((step) => !step.serving);
    return is('True', down?.finding ?? serving(context.target));
  }
  return is('False', { reason: 'NoProblem', message: 'Nothing is wrong.' });
};

const phaseOf = (
  { installed, resource, target }: Context,
  steps: Steps,
  { ready, wrong }: Judged,
): NonNullable<MovieTicketingStatus['phase']> => {
  if (ready) return 'Running';
  if (wrong.length > 0) return 'Degraded';
  if (!installed) return 'Installing';
  if (!isServing(steps)) return 'Degraded';
  return resource.status?.version === target ? 'Running' : 'Upgrading';
};

const readyPods = ({ observed, names }: Context): NonNullable<MovieTicketingStatus['replicas']> => {
  const ready = (name: string): number =>
    stateOf<DeploymentState>(observed.children.get(`Deployment/${name}`)).readyReplicas ?? 0;
  const [catalog = 0, users = 0, bookings = 0] = serviceNames.map((service) =>
    ready(names.service(service)),
  );
  return { catalog, users, bookings, gateway: ready(names.gateway) };
};
