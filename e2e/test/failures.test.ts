import { afterAll, expect, test } from '@jest/globals';

import { apply, kubectl } from '../testing/kubectl.ts';
import { buyTicket } from '../testing/shop.ts';
import { makeNamespace, smallSpec, ticketing } from '../testing/ticketing.ts';

const starved = ticketing('e2e-quota', 'tickets', 30_082);
const keyless = ticketing('e2e-secret', 'tickets', 30_083);
const neighbour = ticketing('e2e-taken', 'tickets', 30_080);

afterAll(async () => {
  await Promise.all([starved.remove(), keyless.remove(), neighbour.remove()]);
});

test('when a quota is full, then a condition says so; when it is raised, then the install goes on', async () => {
  await makeNamespace(starved.namespace);
  await apply({
    apiVersion: 'v1',
    kind: 'ResourceQuota',
    metadata: { name: 'tight', namespace: starved.namespace },
    spec: { hard: { pods: '0' } },
  });
  await starved.apply(smallSpec(30_082));
  const { reason, message } = await starved.condition('Ready', 'False', /quota/i, 60);
  console.log(`${reason}: ${message}`);

  await kubectl(['delete', 'resourcequota', '-n', starved.namespace, 'tight']);
  await starved.ready(150);
  await buyTicket(starved.url);
});

test('when a Secret that the spec names is missing, then a condition names it; when it comes, then the install goes on', async () => {
  await makeNamespace(keyless.namespace);
  await keyless.apply({ ...smallSpec(30_083), adminSecretRef: { name: 'my-admin' } });
  const { reason, message } = await keyless.condition('Ready', 'False', /my-admin/, 90);
  console.log(`${reason}: ${message}`);

  await apply({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'my-admin', namespace: keyless.namespace },
    stringData: { email: 'boss@example.com', password: 'a long enough password' },
  });
  await keyless.ready(150);
  await buyTicket(keyless.url);
});

test('when the nodePort is taken by another resource, then a condition says so; with another port it heals', async () => {
  await makeNamespace(neighbour.namespace);
  await neighbour.apply({ ...smallSpec(30_082), seed: { mode: 'none' } });
  const { reason, message } = await neighbour.condition(
    'GatewayReady',
    'False',
    /30082|port/i,
    120,
  );
  console.log(`${reason}: ${message}`);
  await neighbour.change({ gateway: { service: { nodePort: 30_084 } } });
  await neighbour.condition('Ready', 'True', /./, 120);
  const live = await neighbour.read();
  expect(live['status'].url).toContain('30084');
});
