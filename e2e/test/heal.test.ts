import { beforeAll, expect, test } from '@jest/globals';

import { apply, get, kubectl, patch, type Live } from '../testing/kubectl.ts';
import { operatorMetric } from '../testing/operator.ts';
import { ensureShop } from '../testing/shared-shop.ts';
import { buyTicket } from '../testing/shop.ts';
import type { Ticketing } from '../testing/ticketing.ts';
import { secondsSince, waitFor } from '../testing/waiting.ts';

let shop: Ticketing;

beforeAll(async () => {
  shop = await ensureShop();
});

const healSeconds = 60;

const ownedOf = async (kind: string): Promise<Live[]> =>
  (await shop.owned()).filter((object) => object.kind === kind);

const waitForOther = (old: Live): Promise<Live> =>
  waitFor(
    `${old.kind}/${old.metadata.name} back`,
    async () => {
      const found = await get(shop.namespace, old.kind, old.metadata.name);
      return (
        found !== undefined &&
        found.metadata.uid !== old.metadata.uid &&
        found.metadata.deletionTimestamp === undefined &&
        found
      );
    },
    { seconds: healSeconds },
  );

// A Job that is done is recorded in the status and not made again; a volume in use cannot go.
const deletable = [
  'ServiceAccount',
  'ConfigMap',
  'Secret',
  'Service',
  'PodDisruptionBudget',
  'NetworkPolicy',
  'Deployment',
  'StatefulSet',
];

test.each(deletable)('when every %s is deleted, then each is back within seconds', async (kind) => {
  const objects = (await ownedOf(kind)).filter(
    ({ metadata }) => !metadata.name.endsWith('-database'),
  );
  if (objects.length === 0) {
    console.log(`the shop has no ${kind}`);
    return;
  }
  const started = performance.now();
  const names = objects.map(({ metadata }) => metadata.name);
  await kubectl(['delete', '-n', shop.namespace, kind, '--wait=false', ...names]);
  await Promise.all(objects.map(waitForOther));
  console.log(`${String(objects.length)} ${kind}s back in ${secondsSince(started)}`);
});

test('when everything was deleted, then a ticket can be bought again', async () => {
  await shop.ready();
  await waitFor('a ticket', async () => (await buyTicket(shop.url)).booking, { seconds: 120 });
});

test('when the database’s Secret is deleted, then no new password is made up; with the Secret back all is well', async () => {
  const [secret] = (await ownedOf('Secret')).filter(({ metadata }) =>
    metadata.name.endsWith('-database'),
  );
  const { name, labels } = secret!.metadata;
  await kubectl(['delete', '-n', shop.namespace, 'secret', name]);
  try {
    await shop.condition('DatabaseReady', 'False', /PasswordLost/);
    expect(await get(shop.namespace, 'secret', name)).toBeUndefined();
    // What serves goes on.
    expect((await buyTicket(shop.url)).booking).toBeGreaterThan(0);
  } finally {
    // As one would from a backup of it.
    const metadata = { name, namespace: shop.namespace, labels };
    await apply({ apiVersion: 'v1', kind: 'Secret', metadata, data: secret!['data'] });
  }
  await shop.ready();
});

/** What somebody might do to each kind, and how it shows that it was put back. */
const edits: Record<string, { change: object; path: (object: Live) => unknown }> = {
  ConfigMap: {
    change: { data: { LOG_LEVEL: 'broken', PORT: '1', 'postgresql.conf': 'broken' } },
    path: ({ data }) => data,
  },
  Service: {
    change: { spec: { selector: { 'app.kubernetes.io/component': 'nobody' } } },
    path: ({ spec }) => spec.selector,
  },
  PodDisruptionBudget: {
    change: { spec: { maxUnavailable: '77%', minAvailable: null } },
    path: ({ spec }) => [spec.maxUnavailable, spec.minAvailable],
  },
  NetworkPolicy: {
    change: { spec: { policyTypes: ['Egress'], ingress: null } },
    path: ({ spec }) => [spec.policyTypes, spec.ingress],
  },
  Deployment: {
    change: { spec: { replicas: 0, paused: true } },
    path: ({ spec }) => [spec.replicas, spec.paused],
  },
  StatefulSet: { change: { spec: { replicas: 0 } }, path: ({ spec }) => spec.replicas },
};

test.each(Object.keys(edits))('when every %s is edited, then each is put back', async (kind) => {
  const { change, path } = edits[kind]!;
  const objects = await ownedOf(kind);
  const started = performance.now();
  for (const object of objects) await patch(shop.namespace, kind, object.metadata.name, change);
  await Promise.all(
    objects.map((object) =>
      waitFor(
        `${kind}/${object.metadata.name} as it was`,
        async () => {
          const found = await get(shop.namespace, kind, object.metadata.name);
          return (
            found !== undefined && JSON.stringify(path(found)) === JSON.stringify(path(object))
          );
        },
        {
          seconds: healSeconds,
          seen: async () => {
            const found = await get(shop.namespace, kind, object.metadata.name);
            return { is: found && path(found), was: path(object) };
          },
        },
      ),
    ),
  );
  console.log(`${String(objects.length)} ${kind}s put back in ${secondsSince(started)}`);
});

test('when the labels are taken off every object, then they are put back', async () => {
  const label = 'movieticketing.io/resource';
  const objects = (await shop.owned()).filter(({ kind }) => deletable.includes(kind));
  for (const { kind, metadata } of objects)
    await patch(shop.namespace, kind, metadata.name, { metadata: { labels: { [label]: null } } });
  await waitFor(
    'labels',
    async () => {
      const owned = new Set((await shop.owned()).map(({ metadata }) => metadata.uid));
      return objects.every(({ metadata }) => owned.has(metadata.uid));
    },
    { seconds: healSeconds },
  );
});

test('when everything was edited, then a ticket can be bought again', async () => {
  await shop.ready();
  await waitFor('a ticket', async () => (await buyTicket(shop.url)).booking, { seconds: 120 });
});

test('when all is as it should be, then nothing is written', async () => {
  await shop.ready();
  const versions = async (): Promise<Record<string, string>> =>
    Object.fromEntries(
      (await shop.owned()).map(({ kind, metadata, ...rest }) => [
        `${kind}/${metadata.name}`,
        // Controllers of Kubernetes write status; ours are metadata and spec.
        JSON.stringify([metadata.generation, metadata.annotations, metadata.labels, rest['data']]),
      ]),
    );
  const ownWrites = async (): Promise<string[]> =>
    (await shop.owned()).flatMap(({ metadata }) =>
      (metadata.managedFields ?? [])
        .filter(({ manager }) => manager === 'movie-ticketing-operator')
        .map(({ time }) => `${metadata.uid} ${time}`),
    );
  const before = [await versions(), await ownWrites()];
  const resource = (await shop.read()).metadata.resourceVersion;
  const reconciles = () => operatorMetric('controller_runtime_reconcile_total');
  for (let round = 0; round < 5; round += 1) {
    const looked = await reconciles();
    const annotations = { 'e2e/nudge': String(round) };
    await patch(shop.namespace, 'mt', shop.name, { metadata: { annotations } });
    await waitFor('the operator looked', async () => (await reconciles()) > looked);
  }
  const nudged = (await shop.read()).metadata.resourceVersion;
  expect(nudged).not.toBe(resource);
  expect([await versions(), await ownWrites()]).toEqual(before);
  expect((await shop.read()).metadata.resourceVersion).toBe(nudged);
});
