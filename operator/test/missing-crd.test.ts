import { afterAll, expect } from '@jest/globals';
import { Registry } from '@movie-ticketing/kit/metrics';
import { testIf } from '@movie-ticketing/kit/testing/skippable';

import { startOperator, type RunningOperator } from '../src/operator.composition.ts';
import { operatorEnvironment } from '../src/operator.environment.ts';
import type { KubeClient } from '../src/runtime/client.ts';
import { hasReason } from '../src/runtime/kube-error.ts';
import { resourceKind } from '../src/reconcile/reconcile-resource.ts';
import { hasApiServer, lacksApiServer, startApiServer } from '../testing/api-server.ts';
import {
  administrator,
  installBase,
  makeResource,
  operatorAccount,
} from '../testing/operator-scene.ts';
import { recordingLogger, until, type LogLine } from '../testing/runtime-scene.ts';

const api = hasApiServer ? await startApiServer() : undefined;
let operator: RunningOperator | undefined;
afterAll(async () => {
  await operator?.stop();
  await api?.stop();
});

const names = ['north', 'south', 'east', 'west'];
const serviceAccounts = { apiVersion: 'v1', kind: 'ServiceAccount' };

const startRecorded = async (registry: Registry): Promise<LogLine[]> => {
  const { lines, logger } = recordingLogger();
  operator = await startOperator({
    environment: operatorEnvironment.parse({ MANAGEMENT_PORT: '0', HOST: '127.0.0.1' }),
    kubeConfig: await api!.makeClientConfig({ serviceAccount: operatorAccount }),
    logger,
    registry,
    onLost: () => undefined,
  });
  return lines;
};

const deleteCrd = async (admin: KubeClient, namespace: string): Promise<void> => {
  const name = 'movieticketings.movieticketing.io';
  const crd = { apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition', name };
  await admin.delete(crd);
  await until('the CRD is gone', () =>
    admin.list(resourceKind, { namespace }).then(
      () => false,
      (error: unknown) => hasReason(error, 'KindNotServed'),
    ),
  );
};

const valueOf = async (registry: Registry, metric: string): Promise<number> =>
  ((await registry.getSingleMetric(metric)?.get())?.values ?? []).reduce(
    (sum, { value }) => sum + value,
    0,
  );

testIf(hasApiServer, lacksApiServer)(
  'an operator whose CRD was deleted logs one warning, no stack, and reconciles again when it is back',
  async () => {
    const admin = await administrator(api!);
    const namespace = await api!.namespace();
    await installBase(admin);
    const registry = new Registry();
    const lines = await startRecorded(registry);
    const accounts = async (): Promise<number> =>
      (
        await admin.list(serviceAccounts, {
          namespace,
          labelSelector: 'movieticketing.io/resource',
        })
      ).items.length;
    for (const name of names) await makeResource(admin, namespace, {}, name);
    await until('all reconciled', async () => (await accounts()) >= 4 * names.length, 60_000);

    await deleteCrd(admin, namespace);
    const before = await valueOf(registry, 'controller_runtime_reconcile_total');
    // An event of an owned object makes the operator look for its resource.
    for (const name of names)
      await admin.delete({ ...serviceAccounts, namespace, name: `${name}-gateway` });
    await until(
      'the events are handled',
      async () =>
        (await valueOf(registry, 'controller_runtime_reconcile_total')) >= before + names.length,
    );
    await until('the warning', () =>
      lines.some(({ error }) => error?.message.includes('KindNotServed')),
    );
    expect(lines.filter(({ level }) => level === 'error')).toEqual([]);
    expect(lines.filter(({ error }) => error?.message.includes('KindNotServed'))).toHaveLength(1);
    expect(lines.filter((line) => JSON.stringify(line).includes('"stack"'))).toEqual([]);

    await installBase(admin);
    await makeResource(admin, namespace, {}, 'new');
    const account = { ...serviceAccounts, namespace, name: 'new-gateway' };
    await until('reconciled', async () => (await admin.get(account)) !== undefined, 90_000);
  },
  400_000,
);
