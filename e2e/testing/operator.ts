import { kubectl, list, patch, type Live } from './kubectl.ts';
import { waitFor } from './waiting.ts';

export const operatorNamespace = 'movie-ticketing-system';

const operatorPods = async (): Promise<Live[]> =>
  (await list(operatorNamespace, 'pods')).filter(
    ({ metadata }) => metadata.deletionTimestamp === undefined,
  );

/** Name of the pod that holds the Lease. */
export const leader = async (): Promise<string | undefined> => {
  const [lease] = await list(operatorNamespace, 'leases');
  const holder = lease?.['spec']?.holderIdentity as string | undefined;
  const pods = await operatorPods();
  return pods.find(({ metadata }) => holder?.includes(metadata.name) === true)?.metadata.name;
};

/** Kills the leading pod, without time to release its Lease. */
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

/** Number of container restarts by operator pod. */
export const operatorRestarts = async (): Promise<Record<string, number>> =>
  Object.fromEntries(
    (await operatorPods()).map(({ metadata, status }) => [
      metadata.name,
      (status?.containerStatuses?.[0]?.restartCount as number | undefined) ?? 0,
    ]),
  );

/** Makes another process the holder of the Lease, for the usual time. Returns the former leader. */
export const takeLease = async (holder: string): Promise<string> => {
  const name = await waitFor('a leading operator', leader);
  const [lease] = await list(operatorNamespace, 'leases');
  const renewTime = new Date().toISOString().replace('Z', '000Z');
  await patch(operatorNamespace, 'lease', lease!.metadata.name, {
    spec: { holderIdentity: holder, renewTime },
  });
  return name;
};

/** Sum of the samples of a metric on the leading operator whose labels match. */
export const operatorMetric = async (metric: string, labels = /^/): Promise<number> => {
  const name = await waitFor('a leading operator', leader);
  const path = `/api/v1/namespaces/${operatorNamespace}/pods/${name}:9090/proxy/metrics`;
  const samples = (await kubectl(['get', '--raw', path]))
    .split('\n')
    .map((line) => /^(\w+)(\S*) (\S+)$/.exec(line))
    .filter((sample) => sample?.[1] === metric && labels.test(sample[2] ?? ''));
  if (samples.length === 0) throw new Error(`the operator has no metric ${metric}`);
  return samples.reduce((sum, sample) => sum + Number(sample?.[3]), 0);
};

export type LogLine = {
  level: string;
  message: string;
  resource?: string;
  [field: string]: unknown;
};

/** The log lines of the leading operator about one custom resource. */
export const operatorLog = async (resource: string): Promise<LogLine[]> => {
  const name = await waitFor('a leading operator', leader);
  const text = await kubectl(['logs', '-n', operatorNamespace, name, '--tail=-1']);
  return text
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as LogLine)
    .filter((line) => line.resource === resource || line['key'] === resource);
};
