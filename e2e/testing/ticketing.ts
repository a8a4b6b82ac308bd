import { ownedKinds } from '../../operator/src/components/components.ts';
import { apply, get, kubectl, list, patch, type Live } from './kubectl.ts';
import { waitFor } from './waiting.ts';

/** A custom resource in its own namespace, for a test. */
export type Ticketing = {
  namespace: string;
  name: string;
  url: string;
  apply: (spec: object) => Promise<void>;
  /** Changes parts of the spec. null removes a field. */
  change: (spec: object) => Promise<void>;
  read: () => Promise<Live>;
  /** Waits until Ready is True for the current generation. */
  ready: (seconds?: number) => Promise<Live>;
  /** Waits until a condition has this status and its reason or message matches. */
  condition: (
    type: string,
    status: 'True' | 'False' | 'Unknown',
    matching?: RegExp,
    seconds?: number,
  ) => Promise<{ reason: string; message: string }>;
  /** The owned objects, by the label of the resource. */
  owned: () => Promise<Live[]>;
  /** Starts to delete the namespace. */
  remove: () => Promise<void>;
};

type Condition = {
  type: string;
  status: string;
  reason: string;
  message: string;
  observedGeneration?: number;
};

/** `deployment.apps,service,...` */
const kindList = ownedKinds
  .map(({ apiVersion, kind }) =>
    [kind.toLowerCase(), ...apiVersion.split('/').slice(0, -1)].join('.'),
  )
  .join(',');

/** One pod of each service and the demo seed, to be quick. */
export const smallSpec = (nodePort: number): object => ({
  version: '1.0.0',
  seed: { mode: 'demo' },
  database: { managed: { storage: { size: '1Gi' } } },
  services: {
    catalog: { replicas: 1 },
    users: { replicas: 1 },
    bookings: { replicas: 1 },
  },
  gateway: { replicas: 1, service: { type: 'NodePort', nodePort } },
});

export const makeNamespace = async (name: string): Promise<void> => {
  await kubectl(['delete', 'namespace', name, '--ignore-not-found', '--wait=true']);
  await apply({
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: {
      name,
      labels: {
        'movieticketing.io/e2e': 'true',
        'pod-security.kubernetes.io/enforce': 'restricted',
      },
    },
  });
};

const conditionsOf = (live: Live): Condition[] => live['status']?.conditions ?? [];

const describeConditions = (live: Live | undefined): string =>
  live === undefined
    ? 'no custom resource'
    : `${String(live['status']?.phase)} (generation ${String(live.metadata.generation)}, observed ${String(live['status']?.observedGeneration)})\n` +
      conditionsOf(live)
        .map(({ type, status, reason, message }) => `  ${type}=${status} ${reason}: ${message}`)
        .join('\n');

export const makeTicketing = (namespace: string, name: string, nodePort: number): Ticketing => {
  const url = `http://127.0.0.1:${String(nodePort)}`;
  const read = async (): Promise<Live> => {
    const live = await get(namespace, 'mt', name);
    if (live === undefined) throw new Error(`${namespace}/${name} does not exist`);
    return live;
  };
  const seen = async () => describeConditions(await get(namespace, 'mt', name));
  return {
    namespace,
    name,
    url,
    read,
    apply: (spec) =>
      apply({
        apiVersion: 'movieticketing.io/v1',
        kind: 'MovieTicketing',
        metadata: { name, namespace },
        spec,
      }),
    change: (spec) => patch(namespace, 'mt', name, { spec }),
    ready: async (seconds = 240) => {
      const ready = await waitFor(
        `${name} Ready`,
        async () => {
          const live = await read();
          const found = conditionsOf(live).find(({ type }) => type === 'Ready');
          return (
            found?.status === 'True' &&
            live['status']?.observedGeneration === live.metadata.generation &&
            live
          );
        },
        { seconds, seen },
      );
      // kube-proxy learns of ready pods a moment later than the operator.
      await waitFor(`${name} reachable`, async () => (await fetch(`${url}/ping`)).ok, {
        seconds: 60,
      });
      return ready;
    },
    condition: (type, status, matching = /./, seconds = 120) =>
      waitFor(
        `${type}=${status} matching ${String(matching)}`,
        async () =>
          conditionsOf(await read()).find(
            (found) =>
              found.type === type &&
              found.status === status &&
              matching.test(`${found.reason} ${found.message}`),
          ),
        { seconds, seen },
      ),
    owned: () => list(namespace, kindList, `movieticketing.io/resource=${name}`),
    remove: async () => {
      await kubectl(['delete', 'namespace', namespace, '--ignore-not-found', '--wait=false']);
    },
  };
};
