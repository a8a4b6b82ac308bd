import { imageIn } from '../../objects/live.ts';
import { imageOf } from '../images.ts';
import { isDone, type Context } from '../../steps/step.ts';
import { nameOf, type ServiceName } from '../names.ts';

/**
 * Whether the services may run the requested version. Once installed, a database that restarts or a
 * changed seed does not hold up a new version.
 */
export const mayRunTarget = (context: Context): boolean =>
  isDone(context, 'migrations') &&
  (context.installed || (isDone(context, 'database') && isDone(context, 'seed')));

/** The running image until the requested one may run; of a deleted Deployment, the running version's. */
export const imageFor = (
  context: Context,
  component: ServiceName | 'gateway',
  mayRun: boolean,
): string => {
  const { observed, resource, settings } = context;
  if (mayRun) return imageOf(component, resource, settings);
  return (
    imageIn(observed.owned.get(`Deployment/${nameOf(resource, component)}`)) ??
    imageOf(component, resource, settings, resource.status?.version)
  );
};
