import { disruptionBudget } from '../children/disruption-budgets.ts';
import { gatewayDeployment, gatewayService } from '../children/gateway.ts';
import { imageOf } from '../children/images.ts';
import { secretKey } from '../children/manifest.ts';
import { usable } from './decide-database.ts';
import { imageIn, stateOf, type DeploymentState } from './live.ts';
import { rolloutOf } from './rollout-state.ts';
import { isSettled, refusal, toApply, waiting, type Context, type StepResult } from './step.ts';

/** Step five: the one way in. It follows the services: what it leads to is there first. */
export const decideGateway = (context: Context, servicesDone: boolean): StepResult => {
  const { observed, resource, installed, names, target } = context;
  if (!servicesDone && !installed) {
    return waiting({ reason: 'Waiting', message: 'The gateway waits for the services.' });
  }
  const deployed = observed.children.get(`Deployment/${names.gateway}`);
  const { tls } = resource.spec.gateway;
  if (tls !== undefined) {
    const certificate = usable(observed.given.get(secretKey(tls.secretName)), tls.secretName, [
      'tls.crt',
      'tls.key',
    ]);
    // Pods that run have it still, and new ones could not start.
    if ('reason' in certificate) {
      const { availableReplicas = 0 } = stateOf<DeploymentState>(deployed);
      return waiting(certificate, { serving: availableReplicas > 0 });
    }
  }
  const image = servicesDone
    ? imageOf('gateway', resource, context.settings)
    : (imageIn(deployed) ??
      imageOf('gateway', resource, context.settings, resource.status?.version));
  const deployment = gatewayDeployment(resource, image);
  const service = gatewayService(resource);
  const all = [service, deployment, disruptionBudget(resource, 'gateway', names.gateway)];
  const rollout = rolloutOf(context, deployment, 'gateway');
  const refused = refusal(observed, all);
  const reachable = isSettled(observed, service);
  const settled = rollout.done && reachable;
  return {
    create: [],
    apply: toApply(observed, all),
    delete: [],
    done: settled && servicesDone,
    serving: rollout.serving && observed.children.has(`Service/${names.gateway}`),
    status: settled ? 'True' : 'False',
    finding: settled
      ? {
          reason: 'Serving',
          message: `${servicesDone ? target : (resource.status?.version ?? '')} serves.`,
        }
      : (refused ?? rollout.finding),
    ...(refused === undefined ? {} : { alsoWrong: refused }),
  };
};
