import { afterAll, describe, expect, test } from '@jest/globals';
import { testIf } from '@movie-ticketing/kit/testing/skippable';

import { makeReconcile } from '../../src/reconcile/reconcile-resource.ts';
import { pollMs } from '../../src/reconcile/settled.ts';
import type { Reconciled } from '../../src/runtime/controller.ts';
import type { KubeClient } from '../../src/runtime/client.ts';
import { hasApiServer, lacksApiServer, startApiServer } from '../../testing/api-server.ts';
import { resourceOf, testSettings } from '../../testing/example-resource.ts';
import {
  administrator,
  installBase,
  makeResource,
  operatorClient,
} from '../../testing/operator-scene.ts';
import { settleWorkloads } from '../../testing/pretend-controllers.ts';
import { recordCalls, type RecordedClient } from '../../testing/recorded-client.ts';
import { silentLogger } from '../../testing/runtime-scene.ts';

const api = hasApiServer ? await startApiServer() : undefined;
afterAll(() => api?.stop());

const minutes = (ms: number): number => ms / 60_000;

describe('a settled resource is looked at', () => {
  test.each([
    ['with nothing but what is watched', {}, 120],
    ['with schedules', { rotation: { databasePasswords: { everyDays: 30 } } }, 10],
    ['with a Secret of a user', { adminSecretRef: { name: 'boss' } }, 1],
    ['with an optional kind', { monitoring: { podMonitor: { enabled: true } } }, 1],
  ])('%s after %d minutes', (_, spec, expected) => {
    expect(minutes(pollMs(resourceOf(spec)))).toBe(expected);
  });
});

type Scene = {
  admin: KubeClient;
  recorded: RecordedClient;
  reconcile: (isPoll?: boolean) => Promise<Reconciled>;
  namespace: string;
};

const settledScene = async (spec: object): Promise<Scene> => {
  const admin = await administrator(api!);
  const kubelet = await administrator(api!, 'kubelet');
  await installBase(admin);
  const namespace = await api!.namespace();
  const data = { email: 'boss@example.com', password: 'long-enough' };
  await admin.create({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'boss', namespace },
    stringData: data,
  });
  const recorded = recordCalls(await operatorClient(api!));
  await makeResource(admin, namespace, { ...spec, gateway: { service: { nodePort: 0 } } });
  const one = makeReconcile({
    client: recorded.client,
    settings: testSettings,
    recordEvent: () => undefined,
    logger: silentLogger(),
  });
  const reconcile = (isPoll = false): Promise<Reconciled> => one(`${namespace}/shop`, isPoll);
  for (let round = 0; round < 15; round += 1) {
    await reconcile();
    await settleWorkloads(kubelet, namespace);
  }
  recorded.calls.length = 0;
  return { admin, recorded, reconcile, namespace };
};

const restarted = async ({ admin, namespace }: Scene): Promise<string> =>
  JSON.stringify(
    (
      await admin.get({ apiVersion: 'apps/v1', kind: 'Deployment', name: 'shop-users', namespace })
    )?.['spec'],
  );

testIf(hasApiServer, lacksApiServer)(
  'a poll of a settled resource reads what is not watched and nothing else',
  async () => {
    const scene = await settledScene({ adminSecretRef: { name: 'boss' } });
    await scene.reconcile(true);
    expect(scene.recorded.calls.map(({ verb, kind, name }) => `${verb} ${kind} ${name}`)).toEqual([
      'get Secret boss',
    ]);
    // Control: without the knowledge that nothing has changed everything is read.
    scene.recorded.calls.length = 0;
    await scene.reconcile(false);
    expect(scene.recorded.calls.length).toBeGreaterThan(10);
  },
);

testIf(hasApiServer, lacksApiServer)(
  'a poll that finds a changed Secret of a user reads everything, and its pods are replaced',
  async () => {
    const scene = await settledScene({ adminSecretRef: { name: 'boss' } });
    const before = await restarted(scene);
    const secret = { apiVersion: 'v1', kind: 'Secret', name: 'boss', namespace: scene.namespace };
    await scene.admin.merge(secret, { stringData: { password: 'another-password' } });
    await scene.reconcile(true);
    expect(await restarted(scene)).not.toBe(before);
  },
);

testIf(hasApiServer, lacksApiServer)(
  'a poll that finds the Secret of a user deleted reads everything',
  async () => {
    const scene = await settledScene({ adminSecretRef: { name: 'boss' } });
    await scene.admin.delete({
      apiVersion: 'v1',
      kind: 'Secret',
      name: 'boss',
      namespace: scene.namespace,
    });
    await scene.reconcile(true);
    expect(scene.recorded.calls.length).toBeGreaterThan(10);
  },
);
