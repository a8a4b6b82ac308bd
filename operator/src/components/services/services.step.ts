import { statusOf, type DeploymentStatus } from '../../objects/live.ts';
import { changesFor, manifestOf, type OwnedObject } from '../../steps/component.ts';
import { isProblem } from '../../steps/reasons.ts';
import { refusalOf } from '../../steps/refusals.ts';
import { rolloutOf, type Rollout } from '../../steps/rollout.ts';
import {
  done,
  waiting,
  type Context,
  type Finding,
  type Step,
  type StepResult,
} from '../../steps/step.ts';
import { nameOf, serviceNames } from '../names.ts';
import { findContent } from '../secret-contents.ts';
import { budgetProblem } from '../connection-budget.ts';
import { autoscalerProblem, keptReplicas } from './autoscaler.ts';
import { adminSecret, adminSecretName } from './admin-secret.ts';
import { deploymentOf, services } from './service.component.ts';
import { administrator, loginOf } from './service.pod.ts';
import { mayRunTarget } from './services.version.ts';

const objects: readonly OwnedObject[] = services.flatMap(({ owns }) => owns);

/**
 * Catalog, users and bookings run, all three in one version. Once installed they are maintained whatever
 * happens to earlier steps; only a new version waits for those.
 */
const decide = (context: Context): StepResult => {
  const { observed, resource, installed, target } = context;
  const mayRun = mayRunTarget(context);
  if (!mayRun && !installed) {
    return waiting({ reason: 'Waiting', message: 'Services wait for the database and its data.' });
  }
  const missing = missingSecret(context);
  if (missing !== undefined) return missing;
  const rollouts = serviceNames.map((service) =>
    rolloutOf(context, manifestOf(deploymentOf(service), context), service),
  );
  const refused = refusalOf(
    observed,
    objects.map((object) => manifestOf(object, context)),
  );
  const problem =
    refused ??
    budgetProblem(resource) ??
    serviceNames.map((service) => autoscalerProblem(context, service)).find(Boolean);
  return {
    ...summary(
      rollouts,
      mayRun ? { running: target } : { running: resource.status?.version, target },
    ),
    ...(problem === undefined ? {} : { additionalProblem: problem }),
    keep: serviceNames.flatMap((service) => keptReplicas(context, service)),
    ...changesFor(context, objects),
    // In another version they serve, but the step is not done.
    done: mayRun && rollouts.every((rollout) => rollout.done),
  };
};

/** Catalog, users and bookings run the requested version. */
export const servicesRunTheVersion: Step = {
  name: 'services',
  condition: 'ServicesReady',
  decide,
};

/** Pods start only with the database's login and the administrator. */
const missingSecret = (context: Context): StepResult | undefined => {
  const serving = areServing(context);
  for (const service of serviceNames) {
    const login = loginOf(context, service);
    if ('reason' in login) return waiting(login, { serving });
  }
  const isGenerated = adminSecret.when?.(context.resource) === true;
  const name = adminSecretName(context.resource);
  if (isGenerated && findContent(context, 'Secret', name) === undefined) {
    return waiting(
      { reason: 'RollingOut', message: 'Creating the Secret with the administrator.' },
      { serving, ...changesFor(context, [adminSecret]) },
    );
  }
  const admin = administrator(context);
  return 'reason' in admin ? waiting(admin, { serving }) : undefined;
};

const areServing = ({ observed, resource }: Context): boolean =>
  serviceNames.every((service) => {
    const live = observed.owned.get(`Deployment/${nameOf(resource, service)}`);
    return (statusOf<DeploymentStatus>(live).availableReplicas ?? 0) > 0;
  });

const summary = (
  rollouts: readonly Rollout[],
  { running = 'An earlier version', target }: { running?: string | undefined; target?: string },
): StepResult => {
  const serving = rollouts.every((rollout) => rollout.serving);
  if (rollouts.every((rollout) => rollout.done)) {
    const later =
      target === undefined || target === running ? '' : ` ${target} waits for its migrations.`;
    return done({ reason: 'Serving', message: `${running} is running.${later}` });
  }
  const open = rollouts.filter((rollout) => !rollout.done).map(({ finding }) => finding);
  return waiting(worstOf(open), { serving });
};

/** The first problem; beside it whatever else is merely in progress. */
const worstOf = (findings: readonly Finding[]): Finding => {
  const worst = findings.find(({ reason }) => isProblem(reason)) ?? findings[0];
  const rest = findings.filter((finding) => finding !== worst && !isProblem(finding.reason));
  return {
    reason: worst?.reason ?? 'RollingOut',
    message: [worst, ...rest].map((finding) => finding?.message ?? '').join(' '),
  };
};
