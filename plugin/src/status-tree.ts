import type { Live } from './kubectl.ts';

type Condition = { type: string; status: string; reason?: string; message?: string };
type ContainerState = {
  waiting?: { reason?: string; message?: string };
  terminated?: { reason?: string; message?: string; exitCode?: number };
};
type PodStatus = {
  phase?: string;
  conditions?: Condition[];
  containerStatuses?: {
    name: string;
    ready?: boolean;
    restartCount?: number;
    state?: ContainerState;
  }[];
};

/** A line, and what is below it. */
export type Node = { text: string; below: Node[] };

const leaf = (text: string): Node => ({ text, below: [] });

/** Conditions that are well when they are False. */
const badWhenTrue = new Set(['Degraded', 'Progressing']);

const isWell = ({ type, status }: Condition): boolean =>
  status === (badWhenTrue.has(type) ? 'False' : 'True');

/** Which component a condition is about. */
const componentsOf: Readonly<Record<string, readonly string[]>> = {
  DatabaseReady: ['postgres', 'postgres-check'],
  MigrationsApplied: ['migrations', 'restore'],
  Seeded: ['seed'],
  ServicesReady: ['catalog', 'users', 'bookings'],
  GatewayReady: ['gateway'],
  BackupHealthy: ['backup'],
  RestoreVerified: ['verify'],
};

const component = ({ metadata }: Live): string =>
  metadata.labels?.['app.kubernetes.io/component'] ?? '';

const whyOf = (pod: Live): string => {
  const {
    phase = 'Unknown',
    conditions = [],
    containerStatuses = [],
  } = (pod.status ?? {}) as PodStatus;
  const waiting = containerStatuses.find(({ state }) => state?.waiting !== undefined)?.state
    ?.waiting;
  const unscheduled = conditions.find(
    ({ type, status }) => type === 'PodScheduled' && status === 'False',
  );
  const restarts = containerStatuses.reduce((sum, { restartCount = 0 }) => sum + restartCount, 0);
  const parts = [
    phase,
    waiting === undefined ? '' : [waiting.reason, waiting.message].filter(Boolean).join(': '),
    unscheduled?.message ?? '',
    restarts === 0 ? '' : `${String(restarts)} restarts`,
  ];
  return parts.filter(Boolean).join(', ');
};

const isPodWell = (pod: Live): boolean => {
  const { phase, conditions = [] } = (pod.status ?? {}) as PodStatus;
  if (phase === 'Succeeded') return true;
  return conditions.some(({ type, status }) => type === 'Ready' && status === 'True');
};

const counts = ({ spec, status }: Live): string => {
  const { readyReplicas = 0 } = (status ?? {}) as { readyReplicas?: number };
  const { replicas = 1 } = (spec ?? {}) as { replicas?: number };
  return `${String(readyReplicas)}/${String(replicas)} ready`;
};

const workloadNode = (workload: Live, pods: readonly Live[]): Node => ({
  text: `${workload.kind} ${workload.metadata.name}  ${counts(workload)}`,
  below: pods
    .filter((pod) => component(pod) === component(workload) && !isPodWell(pod))
    .map((pod) => leaf(`Pod ${pod.metadata.name}  ${whyOf(pod)}`)),
});

const jobNodes = (pods: readonly Live[]): Node[] =>
  pods
    .filter((pod) => !isPodWell(pod))
    .map((pod) => leaf(`Pod ${pod.metadata.name}  ${whyOf(pod)}`));

const mark = (condition: Condition): string => {
  if (isWell(condition)) return '✓';
  return condition.status === 'Unknown' ? '?' : '✗';
};

const conditionNode = (condition: Condition, objects: readonly Live[]): Node => {
  const about = componentsOf[condition.type] ?? [];
  const mine = objects.filter((object) => about.includes(component(object)));
  const pods = mine.filter(({ kind }) => kind === 'Pod');
  const workloads = mine.filter(({ kind }) => kind === 'Deployment' || kind === 'StatefulSet');
  const ofWorkloads = new Set(workloads.map(component));
  // With the status, for a mark alone reads wrongly where False is well: ✓ Degraded=False.
  const { type, status } = condition;
  const message = isWell(condition)
    ? ''
    : `  ${condition.reason ?? ''}: ${condition.message ?? ''}`;
  return {
    text: `${mark(condition)} ${type}=${status}${message}`,
    below: [
      ...workloads.map((workload) => workloadNode(workload, pods)),
      ...jobNodes(pods.filter((pod) => !ofWorkloads.has(component(pod)))),
    ],
  };
};

/** The resource, its conditions with the causes of those that are not well, and the objects behind them. */
export const statusTree = (resource: Live, objects: readonly Live[]): Node => {
  const {
    conditions = [],
    phase = 'Pending',
    version,
    url,
  } = (resource.status ?? {}) as {
    conditions?: Condition[];
    phase?: string;
    version?: string;
    url?: string;
  };
  const place = `${resource.metadata.namespace ?? ''}/${resource.metadata.name}`;
  return {
    text: [place, phase, version, url].filter((part) => part !== undefined).join('  '),
    below: conditions.map((condition) => conditionNode(condition, objects)),
  };
};

const indented = (nodes: readonly Node[], indent: string): string[] =>
  nodes.flatMap(({ text, below }, index) => {
    const isLast = index === nodes.length - 1;
    return [
      `${indent}${isLast ? '└─' : '├─'} ${text}`,
      ...indented(below, `${indent}${isLast ? '  ' : '│ '} `),
    ];
  });

export const render = ({ text, below }: Node): string => [text, ...indented(below, '')].join('\n');
