import { afterAll, expect, test } from '@jest/globals';

import { kubectl, list } from '../testing/kubectl.ts';
import { killLeader, leader, operatorRestarts, takeLease } from '../testing/operator.ts';
import { buyTicket } from '../testing/shop.ts';
import { makeNamespace, smallSpec, ticketing } from '../testing/ticketing.ts';
import { secondsSince, waitFor } from '../testing/waiting.ts';

const shop = ticketing('e2e-takeover', 'tickets', 30_081);

afterAll(() => shop.remove());

test('when the leading operator is killed in the middle of an install, then the other finishes it and nothing is done twice', async () => {
  await makeNamespace(shop.namespace);
  await shop.apply(smallSpec(30_081));
  await waitFor('the first objects', async () => (await shop.owned()).length > 3, { everyMs: 50 });
  const secrets = await list(shop.namespace, 'secrets');
  const started = performance.now();
  const killed = await killLeader();

  const next = await waitFor(
    'another leader',
    async () => {
      const found = await leader();
      return found !== undefined && found !== killed && found;
    },
    { seconds: 120 },
  );
  console.log(`${next} leads ${secondsSince(started)} after ${killed} was killed`);
  await shop.ready();
  await buyTicket(shop.url);

  const uids = new Map(
    (await list(shop.namespace, 'secrets')).map(({ metadata }) => [metadata.name, metadata.uid]),
  );
  for (const { metadata } of secrets) expect(uids.get(metadata.name)).toBe(metadata.uid);
  const jobs = (await list(shop.namespace, 'jobs')).map(({ metadata }) => metadata.name);
  expect(jobs.filter((name) => name.includes('-migrate-')).length).toBeLessThanOrEqual(1);
  expect(jobs.filter((name) => name.includes('-seed-')).length).toBeLessThanOrEqual(1);
});

test('when somebody takes the Lease and never renews it, then the leader ends at once, and an operator leads again when it has run out', async () => {
  await shop.ready();
  const restarts = await operatorRestarts();
  const started = performance.now();
  const deposed = await takeLease('somebody-else');
  await waitFor(
    `${deposed} ended`,
    async () => ((await operatorRestarts())[deposed] ?? 0) > (restarts[deposed] ?? 0),
  );
  console.log(`${deposed} ended ${secondsSince(started)} after its Lease was taken`);
  // Nobody leads: what is deleted now is put back by whoever leads next.
  const [config] = (await shop.owned()).filter(({ kind }) => kind === 'ConfigMap');
  await kubectl(['delete', '-n', shop.namespace, 'configmap', config!.metadata.name]);
  const next = await waitFor('an operator leads', leader);
  console.log(`${next} leads ${secondsSince(started)} after, the Lease lasts 15 s`);
  await waitFor('it put right', async () =>
    (await shop.owned()).some(({ metadata }) => metadata.name === config!.metadata.name),
  );
  await shop.ready();
});
