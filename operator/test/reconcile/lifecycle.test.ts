import { afterAll, beforeAll, describe, expect } from '@jest/globals';
import { makeLogger } from '@movie-ticketing/kit/logging';
import { testIf } from '@movie-ticketing/kit/testing/skippable';

import { serviceNames } from '../../src/components/names.ts';
import { appliedAnnotation } from '../../src/objects/labels.ts';
import { observe } from '../../src/reconcile/observe.ts';
import type { KubeObject } from '../../src/runtime/kube-object.ts';
import { makeReconcile } from '../../src/reconcile/reconcile-resource.ts';
import type { MovieTicketing } from '../../src/resource/movie-ticketing.schema.ts';
import type { KubeClient } from '../../src/runtime/client.ts';
import { hasApiServer, lacksApiServer, startApiServer } from '../../testing/api-server.ts';
import {
  administrator,
  installBase,
  makeResource,
  operatorClient,
} from '../../testing/operator-scene.ts';
import { settleWorkloads } from '../../testing/pretend-controllers.ts';
import { recordCalls, type RecordedClient } from '../../testing/recorded-client.ts';
import { testSettings } from '../../testing/example-resource.ts';

const api = hasApiServer ? await startApiServer() : undefined;
let admin: KubeClient;
let kubelet: KubeClient;
let operator: KubeClient;

beforeAll(async () => {
  if (api === undefined) return;
  admin = await administrator(api);
  kubelet = await administrator(api, 'kubelet');
  await installBase(admin);
  operator = await operatorClient(api);
}, 400_000);

afterAll(async () => {
  await api?.stop();
});

let nodePort = 31_000;

const test = (title: string, run: (namespace: string) => Promise<void>): void => {
  testIf(hasApiServer, lacksApiServer)(title, async () => run(await api!.namespace()), 600_000);
};

const logger = makeLogger({ service: 'test', level: 'silent' });

/** An operator that has just started, without any memory. */
const begin = (recorded: RecordedClient): ((key: string) => Promise<unknown>) =>
  makeReconcile({
    client: recorded.client,
    settings: testSettings,
    recordEvent: () => undefined,
    logger,
  });

const make = (namespace: string, spec: object = {}): Promise<MovieTicketing> => {
  nodePort += 1;
  const gateway = { service: { nodePort } };
  return makeResource(admin, namespace, { seed: { mode: 'demo' }, gateway, ...spec });
};

const read = async (namespace: string): Promise<MovieTicketing> =>
  (await admin.get({
    apiVersion: 'movieticketing.io/v1',
    kind: 'MovieTicketing',
    name: 'shop',
    namespace,
  })) as unknown as MovieTicketing;

const isReady = async (namespace: string): Promise<boolean> => {
  const { status, metadata } = await read(namespace);
  return (
    status?.observedGeneration === metadata.generation &&
    status.conditions?.some(({ type, status: value }) => type === 'Ready' && value === 'True') ===
      true
  );
};

/** Reconciles, with the cluster's own controllers in between, until the resource is Ready. */
const reconcileUntilReady = async (
  namespace: string,
  recorded: RecordedClient,
  onDeath?: (deaths: number) => void,
): Promise<void> => {
  let reconcile = begin(recorded);
  let deaths = 0;
  for (let round = 0; round < 200; round += 1) {
    try {
      await reconcile(`${namespace}/shop`);
    } catch (error) {
      if (onDeath === undefined) throw error;
      onDeath((deaths += 1));
      reconcile = begin(recorded);
    }
    if (await isReady(namespace)) return;
    await settleWorkloads(kubelet, namespace);
  }
  throw new Error(`not ready: ${JSON.stringify((await read(namespace)).status, undefined, 1)}`);
};

/** What changes with a Secret that got new contents. */
const followers = new Map([
  ['Secret/shop-admin', ['Deployment/shop-users']],
  // Another authority signs the next certificate.
  ['Secret/shop-certificate', serviceNames.map((service) => `Deployment/shop-${service}`)],
  [
    'Secret/shop-logins',
    ['Job/shop-migrate', ...serviceNames.map((service) => `Deployment/shop-${service}`)],
  ],
]);

const ownedObjectsOf = async (namespace: string): Promise<ReadonlyMap<string, KubeObject>> =>
  (await observe(admin, await read(namespace))).owned;

const installed = async (namespace: string): Promise<RecordedClient> => {
  await make(namespace);
  const recorded = recordCalls(operator);
  await reconcileUntilReady(namespace, recorded);
  return recorded;
};

describe('a resource on a real API server', () => {
  test('an installation proceeds from database to migrations, seed, services and gateway', async (namespace) => {
    const recorded = await installed(namespace);
    const order = recorded.writes().map(({ kind, name }) => `${kind}/${name}`);
    const places = [
      /^StatefulSet\/shop-postgres$/,
      /^Job\/shop-migrate-/,
      /^Job\/shop-seed-/,
      /^Deployment\/shop-catalog$/,
      /^Deployment\/shop-gateway$/,
    ].map((pattern) => order.findIndex((written) => pattern.test(written)));
    expect(places).not.toContain(-1);
    expect(places).toEqual([...places].sort((a, b) => a - b));
  });

  test('reconciling a steady state writes nothing', async (namespace) => {
    const recorded = await installed(namespace);
    recorded.calls.length = 0;
    for (let again = 0; again < 5; again += 1) await begin(recorded)(`${namespace}/shop`);
    expect(recorded.writes()).toEqual([]);
    console.log(`a reconcile of a steady state takes ${String(recorded.calls.length / 5)} reads`);
  });

  test('a deleted object is created again, and no other object is written', async (namespace) => {
    const recorded = await installed(namespace);
    for (const [key, { apiVersion, kind, metadata }] of await ownedObjectsOf(namespace)) {
      // Data and finished Jobs are not created again.
      if (kind === 'Job' || kind === 'PersistentVolumeClaim' || key === 'Secret/shop-database')
        continue;
      await admin.delete({ apiVersion, kind, name: metadata.name, namespace });
      recorded.calls.length = 0;
      await reconcileUntilReady(namespace, recorded);
      const touched = recorded.writes().filter(({ verb }) => verb !== 'patch/status');
      const names = touched.map((call) => `${call.kind}/${call.name.replace(/-[\da-f]{10}$/, '')}`);
      expect(new Set(names)).toEqual(new Set([key, ...(followers.get(key) ?? [])]));
    }
  });

  test('a narrowed selector and a paused Deployment are reverted', async (namespace) => {
    const recorded = await installed(namespace);
    const settings = { apiVersion: 'v1', kind: 'ConfigMap', name: 'shop-catalog', namespace };
    const service = { ...settings, kind: 'Service' };
    await admin.merge(service, { spec: { selector: { app: 'nobody' } } });
    await admin.merge(
      { ...settings, apiVersion: 'apps/v1', kind: 'Deployment' },
      { spec: { paused: true } },
    );
    await reconcileUntilReady(namespace, recorded);
    await begin(recorded)(`${namespace}/shop`);
    const deployment = await admin.get({ ...settings, apiVersion: 'apps/v1', kind: 'Deployment' });
    expect(deployment).not.toHaveProperty('spec.paused');
    expect(await admin.get(service)).not.toHaveProperty('spec.selector.app');
    recorded.calls.length = 0;
    await begin(recorded)(`${namespace}/shop`);
    expect(recorded.writes()).toEqual([]);
  });

  test('a suspended migration Job is replaced', async (namespace) => {
    await make(namespace);
    const recorded = recordCalls(operator);
    const findJob = async (): Promise<KubeObject | undefined> =>
      [...(await ownedObjectsOf(namespace)).values()].find(({ kind }) => kind === 'Job');
    let job: KubeObject | undefined;
    for (let round = 0; job === undefined && round < 20; round += 1) {
      await settleWorkloads(kubelet, namespace);
      await begin(recorded)(`${namespace}/shop`);
      job = await findJob();
    }
    const { apiVersion, kind, metadata } = job!;
    const { name } = metadata;
    await admin.merge({ apiVersion, kind, name, namespace }, { spec: { suspend: true } });
    await begin(recorded)(`${namespace}/shop`);
    await begin(recorded)(`${namespace}/shop`);
    const other = await findJob();
    expect(other?.metadata).toMatchObject({
      name,
      uid: expect.not.stringContaining(metadata.uid!),
    });
    await reconcileUntilReady(namespace, recorded);
  });

  test('an installation whose operator is killed at every write ends like an undisturbed one', async (namespace) => {
    const smooth = await installed(await api!.namespace());
    const whole = smooth.writes().length;

    await make(namespace);
    const recorded = recordCalls(operator);
    let deaths = 0;
    // Each write fails twice: once unsent, and once with its answer lost.
    recorded.dieAtWrite(1, 'before');
    await reconcileUntilReady(namespace, recorded, (count) => {
      deaths = count;
      recorded.dieAtWrite(1, count % 2 === 0 ? 'before' : 'after');
    });
    console.log(`an install has ${String(whole)} writes; this one died ${String(deaths)} times`);
    expect(deaths).toBeGreaterThan(whole);

    const ended = await ownedObjectsOf(namespace);
    const kinds = [...ended.keys()].map((key) => key.replace(/-[0-9a-f]{10}$/, ''));
    expect(new Set(kinds).size).toBe(kinds.length);
    for (const [key, { metadata }] of ended)
      expect([key, metadata.annotations?.[appliedAnnotation]]).toEqual([key, expect.any(String)]);
    const made = recorded
      .writes()
      .filter(({ verb, kind }) => verb === 'create' && kind === 'Secret')
      .map(({ name }) => name);
    expect(made.length).toBe(new Set(made).size);
    recorded.calls.length = 0;
    recorded.dieAtWrite(-1, 'before');
    await begin(recorded)(`${namespace}/shop`);
    expect(recorded.writes()).toEqual([]);
  });

  test('a namespace that is being deleted gets one refusal and no more writes', async (namespace) => {
    const recorded = await installed(namespace);
    const reconcile = begin(recorded);
    await admin.delete({ apiVersion: 'v1', kind: 'Namespace', name: namespace });
    for (const { apiVersion, kind, metadata } of (await ownedObjectsOf(namespace)).values()) {
      if (kind === 'Deployment' || kind === 'ConfigMap' || kind === 'NetworkPolicy')
        await admin.delete({ apiVersion, kind, name: metadata.name, namespace });
    }
    recorded.calls.length = 0;
    for (let again = 0; again < 6; again += 1) await reconcile(`${namespace}/shop`);
    const sent = recorded.writes().filter(({ verb }) => verb !== 'patch/status');
    expect(sent).toHaveLength(1);
    expect((await read(namespace)).status?.phase).toBe('Deleting');
  });

  test('a taken node port is sent again later and later, and the reconcile does not fail', async (namespace) => {
    const port = 31_800;
    await admin.create({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'another', namespace },
      spec: { type: 'NodePort', ports: [{ port: 80, nodePort: port }] },
    });
    await makeResource(admin, namespace, { gateway: { service: { nodePort: port } } });
    const recorded = recordCalls(operator);
    const reconcile = begin(recorded);
    const reasonOf = async (): Promise<string | undefined> =>
      (await read(namespace)).status?.conditions?.find(({ type }) => type === 'GatewayReady')
        ?.reason;
    for (let round = 0; round < 40 && (await reasonOf()) !== 'NodePortTaken'; round += 1) {
      await reconcile(`${namespace}/shop`);
      await settleWorkloads(kubelet, namespace);
    }
    expect(await reasonOf()).toBe('NodePortTaken');
    recorded.calls.length = 0;
    for (let again = 0; again < 20; again += 1) await reconcile(`${namespace}/shop`);
    const attempts = recorded.writes().filter(({ name }) => name === 'shop-gateway');
    // 20 reconciles in a few seconds: the waits are one, two, four seconds and so on.
    expect(attempts.length).toBeLessThan(6);
  });

  test('a name taken by another object is a condition, and that object is not written', async (namespace) => {
    const theirs = {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'shop-catalog', namespace },
      data: { mine: 'yes' },
    };
    await admin.create(theirs);
    await make(namespace);
    const recorded = recordCalls(operator);
    await begin(recorded)(`${namespace}/shop`);
    expect(recorded.writes().map(({ verb }) => verb)).toEqual(['patch/status']);
    const { status } = await read(namespace);
    const ready = status?.conditions?.find(({ type }) => type === 'Ready');
    expect(ready).toMatchObject({ status: 'False', reason: 'NameTaken' });
    expect(ready?.message).toContain('ConfigMap/shop-catalog');

    await admin.delete({ apiVersion: 'v1', kind: 'ConfigMap', name: 'shop-catalog', namespace });
    await reconcileUntilReady(namespace, recorded);
  });
});
