import { afterAll, expect, test } from '@jest/globals';

import { apply, kubectl } from '../testing/kubectl.ts';
import { operatorLog } from '../testing/operator.ts';
import { buyTicket } from '../testing/customer.ts';
import { makeNamespace, makeTicketing, smallSpec } from '../testing/ticketing.ts';

const quotaExceeded = makeTicketing('e2e-quota', 'tickets', 30_082);
const secretMissing = makeTicketing('e2e-secret', 'tickets', 30_083);
const portTaken = makeTicketing('e2e-taken', 'tickets', 30_080);

afterAll(async () => {
  await Promise.all([quotaExceeded.remove(), secretMissing.remove(), portTaken.remove()]);
});

test('reports an exceeded quota, and installs when the quota is removed', async () => {
  await makeNamespace(quotaExceeded.namespace);
  await apply({
    apiVersion: 'v1',
    kind: 'ResourceQuota',
    metadata: { name: 'tight', namespace: quotaExceeded.namespace },
    spec: { hard: { pods: '0' } },
  });
  await quotaExceeded.apply(smallSpec(30_082));
  const { reason, message } = await quotaExceeded.condition('Ready', 'False', /quota/i, 60);
  console.log(`${reason}: ${message}`);

  await kubectl(['delete', 'resourcequota', '-n', quotaExceeded.namespace, 'tight']);
  await quotaExceeded.ready(150);
  await buyTicket(quotaExceeded.url);
});

test('names a missing Secret of the spec, and installs when it is created', async () => {
  await makeNamespace(secretMissing.namespace);
  await secretMissing.apply({ ...smallSpec(30_083), adminSecretRef: { name: 'my-admin' } });
  const { reason, message } = await secretMissing.condition('Ready', 'False', /my-admin/, 90);
  console.log(`${reason}: ${message}`);

  await apply({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'my-admin', namespace: secretMissing.namespace },
    stringData: { email: 'boss@example.com', password: 'a long enough password' },
  });
  await secretMissing.ready(150);
  await buyTicket(secretMissing.url);
});

test('reports a node port that is taken, without stacks in the log, and recovers with another port', async () => {
  await makeNamespace(portTaken.namespace);
  await portTaken.apply({ ...smallSpec(30_082), seed: { mode: 'none' } });
  const { reason, message } = await portTaken.condition(
    'GatewayReady',
    'False',
    /30082|port/i,
    120,
  );
  console.log(`${reason}: ${message}`);
  const log = await operatorLog(`${portTaken.namespace}/${portTaken.name}`);
  expect(log.filter(({ message }) => message === 'object refused')).toHaveLength(1);
  expect(log.filter((line) => JSON.stringify(line).includes('"stack"'))).toEqual([]);
  await portTaken.change({ gateway: { service: { nodePort: 30_084 } } });
  await portTaken.condition('Ready', 'True', /./, 120);
  const live = await portTaken.read();
  expect(live['status'].url).toContain('30084');
});
