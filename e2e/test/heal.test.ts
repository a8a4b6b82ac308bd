import { beforeAll, expect, test } from '@jest/globals';

import { apply, get, kubectl, patch, type Live } from '../testing/kubectl.ts';
import { operatorMetric } from '../testing/operator.ts';
import { ensureCinema } from '../testing/shared-cinema.ts';
import { buyTicket } from '../testing/customer.ts';
import type { Ticketing } from '../testing/ticketing.ts';
import { secondsSince, waitFor } from '../testing/waiting.ts';

let cinema: Ticketing;

beforeAll(async () => {
  cinema = await ensureCinema();
});

const healSeconds = 60;

const ownedOf = async (kind: string): Promise<Live[]> =>
  (await cinema.owned()).filter((object) => object.kind === kind);

const waitForOther = (old: Live): Promise<Live> =>
  waitFor(
    `${old.kind}/${old.metadata.name} back`,
    async () => {
      const found = await get(cinema.namespace, old.kind, old.metadata.name);
      return (
        found !== undefined &&
        found.metadata.uid !== old.metadata.uid &&
        found.metadata.deletionTimestamp === undefined &&
        found
      );
    },
    { seconds: healSeconds },
  );

// A completed Job is recorded in the status and not created again. A volume in use cannot be deleted.
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

test.each(deletable)('re-creates every deleted %s', async (kind) => {
  const objects = (await ownedOf(kind)).filter(
    ({ metadata }) => !metadata.name.endsWith('-database'),
  );
  if (objects.length === 0) {
    console.log(`the resource owns no ${kind}`);
    return;
  }
  const started = performance.now();
  const names = objects.map(({ metadata }) => metadata.name);
  await kubectl(['delete', '-n', cinema.namespace, kind, '--wait=false', ...names]);
  await Promise.all(objects.map(waitForOther));
  console.log(`${String(objects.length)} ${kind}s back in ${secondsSince(started)}`);
});

test('sells tickets after all of that was deleted', async () => {
  await cinema.ready();
  await waitFor('a ticket', async () => (await buyTicket(cinema.url)).booking, { seconds: 120 });
});

test('reports a deleted database Secret, generates no new password, and recovers when the Secret is restored', async () => {
  const [secret] = (await ownedOf('Secret')).filter(({ metadata }) =>
    metadata.name.endsWith('-database'),
  );
  const { name, labels } = secret!.metadata;
  await kubectl(['delete', '-n', cinema.namespace, 'secret', name]);
  try {
    await cinema.condition('DatabaseReady', 'False', /PasswordLost/);
    expect(await get(cinema.namespace, 'secret', name)).toBeUndefined();
    // The running pods keep serving.
    expect((await buyTicket(cinema.url)).booking).toBeGreaterThan(0);
  } finally {
    // As from a backup.
    const metadata = { name, namespace: cinema.namespace, labels };
    await apply({ apiVersion: 'v1', kind: 'Secret', metadata, data: secret!['data'] });
  }
  await cinema.ready();
});

/** An edit of each kind, and the part of the object that shows that it was reverted. */
const edits: Record<string, { change: (object: Live) => object; path: (object: Live) => unknown }> =
  {
    ConfigMap: {
      change: ({ data }) => ({
        data: Object.fromEntries(Object.keys(data).map((key) => [key, 'broken'])),
      }),
      path: ({ data }) => data,
    },
    Service: {
      change: () => ({ spec: { selector: { 'app.kubernetes.io/component': 'none' } } }),
      path: ({ spec }) => spec.selector,
    },
    PodDisruptionBudget: {
      change: () => ({ spec: { maxUnavailable: '77%', minAvailable: null } }),
      path: ({ spec }) => [spec.maxUnavailable, spec.minAvailable],
    },
    NetworkPolicy: {
      change: () => ({ spec: { policyTypes: ['Egress'], ingress: null } }),
      path: ({ spec }) => [spec.policyTypes, spec.ingress],
    },
    Deployment: {
      change: () => ({ spec: { replicas: 0, paused: true } }),
      path: ({ spec }) => [spec.replicas, spec.paused],
    },
    StatefulSet: { change: () => ({ spec: { replicas: 0 } }), path: ({ spec }) => spec.replicas },
  };

test.each(Object.keys(edits))('reverts edits of every %s', async (kind) => {
  const { change, path } = edits[kind]!;
  const objects = await ownedOf(kind);
  const started = performance.now();
  for (const object of objects)
    await patch(cinema.namespace, kind, object.metadata.name, change(object));
  await Promise.all(
    objects.map((object) =>
      waitFor(
        `${kind}/${object.metadata.name} reverted`,
        async () => {
          const found = await get(cinema.namespace, kind, object.metadata.name);
          return (
            found !== undefined && JSON.stringify(path(found)) === JSON.stringify(path(object))
          );
        },
        {
          seconds: healSeconds,
          seen: async () => {
            const found = await get(cinema.namespace, kind, object.metadata.name);
            return { is: found && path(found), was: path(object) };
          },
        },
      ),
    ),
  );
  console.log(`${String(objects.length)} ${kind}s reverted in ${secondsSince(started)}`);
});

test('restores removed labels', async () => {
  const label = 'movieticketing.io/resource';
  const objects = (await cinema.owned()).filter(({ kind }) => deletable.includes(kind));
  for (const { kind, metadata } of objects)
    await patch(cinema.namespace, kind, metadata.name, { metadata: { labels: { [label]: null } } });
  await waitFor(
    'labels',
    async () => {
      const owned = new Set((await cinema.owned()).map(({ metadata }) => metadata.uid));
      return objects.every(({ metadata }) => owned.has(metadata.uid));
    },
    { seconds: healSeconds },
  );
});

test('sells tickets after all of that was edited', async () => {
  await cinema.ready();
  await waitFor('a ticket', async () => (await buyTicket(cinema.url)).booking, { seconds: 120 });
});

test('writes nothing in a steady state', async () => {
  await cinema.ready();
  const versions = async (): Promise<Record<string, string>> =>
    Object.fromEntries(
      (await cinema.owned()).map(({ kind, metadata, ...rest }) => [
        `${kind}/${metadata.name}`,
        // Controllers of Kubernetes write the status. The operator writes metadata and spec.
        JSON.stringify([metadata.generation, metadata.annotations, metadata.labels, rest['data']]),
      ]),
    );
  const ownWrites = async (): Promise<string[]> =>
    (await cinema.owned()).flatMap(({ metadata }) =>
      (metadata.managedFields ?? [])
        .filter(({ manager }) => manager === 'movie-ticketing-operator')
        .map(({ time }) => `${metadata.uid} ${time}`),
    );
  const before = [await versions(), await ownWrites()];
  const resource = (await cinema.read()).metadata.resourceVersion;
  const reconciles = () => operatorMetric('controller_runtime_reconcile_total');
  for (let round = 0; round < 5; round += 1) {
    const count = await reconciles();
    const annotations = { 'e2e/nudge': String(round) };
    await patch(cinema.namespace, 'mt', cinema.name, { metadata: { annotations } });
    await waitFor('a reconcile', async () => (await reconciles()) > count);
  }
  const nudged = (await cinema.read()).metadata.resourceVersion;
  expect(nudged).not.toBe(resource);
  expect([await versions(), await ownWrites()]).toEqual(before);
  expect((await cinema.read()).metadata.resourceVersion).toBe(nudged);
});

test('a reconcile at rest sends few reads', async () => {
  await cinema.ready();
  const reads = (): Promise<number> => operatorMetric('rest_client_requests_total', /method="GET"/);
  const reconciles = () => operatorMetric('controller_runtime_reconcile_total');
  const before = { reads: await reads(), reconciles: await reconciles() };
  for (let round = 0; round < 5; round += 1) {
    const count = await reconciles();
    const annotations = { 'e2e/rest': String(round) };
    await patch(cinema.namespace, 'mt', cinema.name, { metadata: { annotations } });
    await waitFor('a reconcile', async () => (await reconciles()) > count);
  }
  const each = ((await reads()) - before.reads) / ((await reconciles()) - before.reconciles);
  console.log(`${each.toFixed(1)} reads in each reconcile`);
  expect(each).toBeLessThan(30);
});
