import { apply, get, kubectl, list, patch, type Live } from './kubectl.ts';
import { waitFor } from './waiting.ts';

/** A MovieTicketing resource in a namespace of its own, as a test uses it. */
export type Ticketing = {
  namespace: string;
  name: string;
  url: string;
  apply: (spec: object) => Promise<void>;
  /** Changes parts of the spec; null removes. */
  change: (spec: object) => Promise<void>;
  read: () => Promise<Live>;
  /** Waits until Ready is True for the present generation. */
  ready: (seconds?: number) => Promise<Live>;
  /** Waits until a condition has this status, and its message or reason matches. */
  condition: (
    type: string,
    status: 'True' | 'False' | 'Unknown',
    matching?: RegExp,
    seconds?: number,
  ) => Promise<{ reason: string; message: string }>;
  /** Everything that carries the resource's label, of the kinds that it owns. */
  owned: () => Promise<Live[]>;
  /** Deletes the namespace, and does not wait for it. */
  remove: () => Promise<void>;
};

type Condition = {
  type: string;
  status: string;
  reason: string;
  message: string;
  observedGeneration?: number;
};

const ownedKinds =
  'statefulset,deployment,service,configmap,secret,job,poddisruptionbudget,networkpolicy,serviceaccount,pvc';

/** What makes tests quick: one pod of each, and the demo's data. */
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
    ? 'no resource'
    : `${String(live['status']?.phase)} (generation ${String(live.metadata.generation)}, seen ${String(live['status']?.observedGeneration)})\n` +
      conditionsOf(live)
        .map(({ type, status, reason, message }) => `  ${type}=${status} ${reason}: ${message}`)
        .join('\n');

export const ticketing = (namespace: string, name: string, nodePort: number): Ticketing => {
  const url = `http://127.0.0.1:${String(nodePort)}`;
  const read = async (): Promise<Live> => {
    const live = await get(namespace, 'mt', name);
    if (live === undefined) throw new Error(`there is no ${namespace}/${name}`);
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
      // Every node's proxy learns of ready pods a moment later than the operator does.
      await waitFor(`${name} reached`, async () => (await fetch(`${url}/ping`)).ok, {
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
    owned: () => list(namespace, ownedKinds, `movieticketing.io/resource=${name}`),
    remove: async () => {
      await kubectl(['delete', 'namespace', namespace, '--ignore-not-found', '--wait=false']);
    },
  };
};
