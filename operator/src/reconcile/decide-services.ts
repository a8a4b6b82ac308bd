import { disruptionBudget } from '../children/disruption-budgets.ts';
import { imageOf } from '../children/images.ts';
import { secretKey } from '../children/manifest.ts';
import { serviceNames, type ServiceName } from '../children/names.ts';
import { adminSecret, adminSecretName } from '../children/secrets.ts';
import {
  serviceConfigMap,
  serviceDeployment,
  serviceService,
} from '../children/service-deployment.ts';
import { databaseLogin, usable } from './decide-database.ts';
import { imageIn } from './live.ts';
import type { Manifest } from './observed.ts';
import { isProblem } from './reasons.ts';
import { rolloutOf, type Rollout } from './rollout-state.ts';
import {
  done,
  refusal,
  toApply,
  waiting,
  type Context,
  type Finding,
  type StepResult,
} from './step.ts';

/**
 * Step four: catalog, users and bookings, all three of one version. Once installed they are kept as they
 * are, and healed, whatever becomes of the steps before; only the next version has to wait for these.
 */
export const decideServices = (context: Context, mayBegin: boolean): StepResult => {
  const { observed, resource, installed, target } = context;
  if (!mayBegin && !installed) {
    return waiting({ reason: 'Waiting', message: 'Services wait for the database’s data.' });
  }
  const around = serviceNames.flatMap((service) => [
    serviceConfigMap(resource, service),
    serviceService(resource, service),
    disruptionBudget(resource, service, context.names.service(service)),
  ]);
  const secrets = secretHashes(context);
  if ('finding' in secrets) {
    const serving = stillServing(context);
    return waiting(secrets.finding, { serving, create: secrets.create });
  }
  const deployments = serviceNames.map((service) => ({
    service,
    manifest: serviceDeployment(resource, service, {
      image: serviceImage(context, service, mayBegin),
      secretHashes: secrets,
    }),
  }));
  const rollouts = deployments.map(({ service, manifest }) =>
    rolloutOf(context, manifest, service),
  );
  const all = [...secretForms(context), ...around, ...deployments.map(({ manifest }) => manifest)];
  return {
    ...summary(
      rollouts,
      mayBegin ? target : resource.status?.version,
      mayBegin ? undefined : target,
    ),
    ...withRefusal(refusal(observed, all)),
    apply: toApply(observed, all),
    // With another version they serve, but are not there yet.
    done: mayBegin && rollouts.every((rollout) => rollout.done),
  };
};

const withRefusal = (refused: Finding | undefined): Partial<StepResult> =>
  refused === undefined ? {} : { alsoWrong: refused };

/** The image that runs, until the new one may; of a Deployment that is gone, the serving version's. */
const serviceImage = (context: Context, service: ServiceName, mayBegin: boolean): string => {
  const { observed, resource, settings, names } = context;
  if (mayBegin) return imageOf(service, resource, settings);
  return (
    imageIn(observed.children.get(`Deployment/${names.service(service)}`)) ??
    imageOf(service, resource, settings, resource.status?.version)
  );
};

/** The form of our own Secret; its contents were made once. */
const secretForms = ({ resource }: Context): Manifest[] =>
  resource.spec.adminSecretRef === undefined ? [adminSecret(resource)] : [];

type Hashes = { database: string; admin: string };

const secretHashes = (context: Context): Hashes | { finding: Finding; create: Manifest[] } => {
  const { observed, resource } = context;
  const login = databaseLogin(context);
  if ('reason' in login) return { finding: login, create: [] };
  const name = adminSecretName(resource);
  const own = resource.spec.adminSecretRef === undefined;
  const live = own ? observed.children.get(secretKey(name)) : observed.given.get(secretKey(name));
  if (own && live === undefined) {
    return {
      finding: { reason: 'RollingOut', message: 'The administrator’s Secret is being made.' },
      create: [adminSecret(resource, observed.fresh)],
    };
  }
  const admin = usable(live, name, ['email', 'password']);
  if ('reason' in admin) return { finding: admin, create: [] };
  return { database: login.hash, admin: admin.hash };
};

/** Without a manifest to compare with: whether pods of what is there are available. */
const stillServing = ({ observed, names }: Context): boolean =>
  serviceNames.every((service) => {
    const live = observed.children.get(`Deployment/${names.service(service)}`);
    const { availableReplicas = 0 } = (live?.['status'] ?? {}) as { availableReplicas?: number };
    return availableReplicas > 0;
  });

const summary = (
  rollouts: readonly Rollout[],
  version: string | undefined,
  comes: string | undefined,
): StepResult => {
  const serving = rollouts.every((rollout) => rollout.serving);
  if (rollouts.every((rollout) => rollout.done)) {
    const later =
      comes === undefined || comes === version ? '' : ` ${comes} waits for its migrations.`;
    return done({ reason: 'Serving', message: `${version ?? 'They'} serves.${later}` });
  }
  const open = rollouts.filter((rollout) => !rollout.done).map(({ finding }) => finding);
  const worst = open.find(({ reason }) => isProblem(reason)) ?? open[0];
  const rest = open.filter((finding) => finding !== worst && !isProblem(finding.reason));
  return waiting(
    {
      reason: worst?.reason ?? 'RollingOut',
      message: [worst, ...rest].map((finding) => finding?.message ?? '').join(' '),
    },
    { serving },
  );
};
