import { statusOf, type DeploymentStatus } from '../../objects/live.ts';
import { changesFor, isUpToDate, manifestOf } from '../../steps/component.ts';
import { refusalOf } from '../../steps/refusals.ts';
import { rolloutOf } from '../../steps/rollout.ts';
import {
  isDone,
  waiting,
  type Context,
  type Finding,
  type Step,
  type StepResult,
} from '../../steps/step.ts';
import { nameOf } from '../names.ts';
import { contentHash, findContent } from '../secret-contents.ts';
import { gateway, gatewayDeployment, gatewayService } from './gateway.component.ts';

/** The gateway follows the services: whatever it forwards requests to runs first. */
const decide = (context: Context): StepResult => {
  const { observed, resource, installed, target } = context;
  const servicesDone = isDone(context, 'services');
  if (!servicesDone && !installed) {
    return waiting({ reason: 'Waiting', message: 'The gateway waits for the services.' });
  }
  const certificate = certificateProblem(context);
  if (certificate !== undefined) {
    // Running pods still have the certificate; new pods could not start.
    const live = observed.owned.get(`Deployment/${nameOf(resource, 'gateway')}`);
    const { availableReplicas = 0 } = statusOf<DeploymentStatus>(live);
    return waiting(certificate, { serving: availableReplicas > 0 });
  }
  const rollout = rolloutOf(context, manifestOf(gatewayDeployment, context), 'gateway');
  const service = manifestOf(gatewayService, context);
  const refused = refusalOf(
    observed,
    gateway.owns.map((object) => manifestOf(object, context)),
  );
  const complete = rollout.done && isUpToDate(observed, service);
  const version = servicesDone ? target : (resource.status?.version ?? '');
  return {
    ...changesFor(context, gateway.owns),
    delete: [],
    done: complete && servicesDone,
    serving: rollout.serving && observed.owned.has(`Service/${nameOf(resource, 'gateway')}`),
    status: complete ? 'True' : 'False',
    finding: complete
      ? { reason: 'Serving', message: `${version} is running.` }
      : rollout.done
        ? (refused ?? rollout.finding)
        : rollout.finding,
    ...(refused === undefined ? {} : { additionalProblem: refused }),
  };
};

/** The gateway runs the version of the services and its Service exists. */
export const gatewayRoutesToServices: Step = {
  name: 'gateway',
  condition: 'GatewayReady',
  decide,
};

const certificateProblem = (context: Context): Finding | undefined => {
  const { tls } = context.resource.spec.gateway;
  if (tls === undefined) return undefined;
  const name = tls.secretName;
  const certificate = contentHash(findContent(context, 'Secret', name), {
    name,
    keys: ['tls.crt', 'tls.key'],
  });
  return 'reason' in certificate ? certificate : undefined;
};
