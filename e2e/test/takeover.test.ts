import { afterAll, expect, test } from '@jest/globals';

import { kubectl, list } from '../testing/kubectl.ts';
import { killLeader, leader, operatorRestarts, takeLease } from '../testing/operator.ts';
import { buyTicket } from '../testing/customer.ts';
import { makeNamespace, makeTicketing, smallSpec } from '../testing/ticketing.ts';
import { secondsSince, waitFor } from '../testing/waiting.ts';

const cinema = makeTicketing('e2e-takeover', 'tickets', 30_081);

afterAll(() => cinema.remove());

test('another operator finishes an install whose leader was killed, and nothing is done twice', async () => {
  await makeNamespace(cinema.namespace);
  await cinema.apply(smallSpec(30_081));
  await waitFor('the first objects', async () => (await cinema.owned()).length > 3, {
    everyMs: 50,
  });
  const secrets = await list(cinema.namespace, 'secrets');
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
  const seconds = (performance.now() - started) / 1_000;
  console.log(`${next} leads ${seconds.toFixed(1)} s after ${killed} was killed`);
  expect(seconds).toBeLessThan(15);
  await cinema.ready();
  await buyTicket(cinema.url);

  const uids = new Map(
    (await list(cinema.namespace, 'secrets')).map(({ metadata }) => [metadata.name, metadata.uid]),
  );
  for (const { metadata } of secrets) expect(uids.get(metadata.name)).toBe(metadata.uid);
  const jobs = (await list(cinema.namespace, 'jobs')).map(({ metadata }) => metadata.name);
  expect(jobs.filter((name) => name.includes('-migrate-')).length).toBeLessThanOrEqual(1);
  expect(jobs.filter((name) => name.includes('-seed-')).length).toBeLessThanOrEqual(1);
});

test('a leader whose Lease was taken exits, and an operator leads again when the Lease has expired', async () => {
  await cinema.ready();
  const restarts = await operatorRestarts();
  const started = performance.now();
  const deposed = await takeLease('another-process');
  await waitFor(
    `${deposed} exited`,
    async () => ((await operatorRestarts())[deposed] ?? 0) > (restarts[deposed] ?? 0),
  );
  console.log(`${deposed} exited ${secondsSince(started)} after its Lease was taken`);
  // Without a leader: the next leader re-creates what is deleted now.
  const [config] = (await cinema.owned()).filter(({ kind }) => kind === 'ConfigMap');
  await kubectl(['delete', '-n', cinema.namespace, 'configmap', config!.metadata.name]);
  const next = await waitFor('a leader', leader);
  console.log(`${next} leads ${secondsSince(started)} after, the Lease lasts 12 s`);
  await waitFor('the ConfigMap is back', async () =>
    (await cinema.owned()).some(({ metadata }) => metadata.name === config!.metadata.name),
  );
  await cinema.ready();
});
