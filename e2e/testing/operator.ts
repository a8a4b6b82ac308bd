import { kubectl, list, type Live } from './kubectl.ts';
import { waitFor } from './waiting.ts';

export const operatorNamespace = 'movie-ticketing-system';

const operatorPods = async (): Promise<Live[]> =>
  (await list(operatorNamespace, 'pods')).filter(
    ({ metadata }) => metadata.deletionTimestamp === undefined,
  );

/** The name of the pod that leads, by its Lease. */
export const leader = async (): Promise<string | undefined> => {
  const [lease] = await list(operatorNamespace, 'leases');
  const holder = lease?.['spec']?.holderIdentity as string | undefined;
  const pods = await operatorPods();
  return pods.find(({ metadata }) => holder?.includes(metadata.name) === true)?.metadata.name;
};

/** Kills the leading pod at once, without time to give its Lease back. */
export const killLeader = async (): Promise<string> => {
  const name = await waitFor('a leading operator', leader);
  await kubectl([
    'delete',
    'pod',
    '-n',
    operatorNamespace,
    name,
    '--grace-period=0',
    '--force',
    '--wait=false',
  ]);
  return name;
};
