import { afterAll, expect, test } from '@jest/globals';

import { patch } from '../testing/kubectl.ts';
import { buyTicket, upcomingScreenings } from '../testing/customer.ts';
import { makeNamespace, makeTicketing, smallSpec } from '../testing/ticketing.ts';
import { secondsSince } from '../testing/waiting.ts';

const north = makeTicketing('e2e-north', 'tickets', 30_086);
const northEast = makeTicketing('e2e-north', 'tickets-east', 30_087);
const south = makeTicketing('e2e-south', 'tickets', 30_088);

afterAll(() => Promise.all([north.remove(), south.remove()]));

test('keeps resources of one namespace, and of one name in two namespaces, apart', async () => {
  await makeNamespace(north.namespace);
  await makeNamespace(south.namespace);
  const started = performance.now();
  await north.apply(smallSpec(30_086));
  await northEast.apply({ ...smallSpec(30_087), seed: { mode: 'none' } });
  await south.apply(smallSpec(30_088));
  await Promise.all([north.ready(240), northEast.ready(240), south.ready(240)]);
  console.log(`three resources ready in ${secondsSince(started)}`);

  await buyTicket(north.url);
  await buyTicket(south.url);
  expect(await upcomingScreenings(northEast.url)).toEqual([]);
  const uids = (await Promise.all([north, northEast, south].map((cinema) => cinema.owned()))).map(
    (owned) => owned.map(({ metadata }) => metadata.uid),
  );
  expect(new Set(uids.flat()).size).toBe(uids.flat().length);
});

test('leaves drift alone while paused, and reverts it afterwards', async () => {
  const { namespace, name } = south;
  const replicas = async (): Promise<number | undefined> =>
    (await south.owned()).find(
      ({ kind, metadata }) => kind === 'Deployment' && metadata.name === `${name}-catalog`,
    )?.['spec'].replicas as number | undefined;
  const annotate = (value: string | null): Promise<void> =>
    patch(namespace, 'mt', name, {
      metadata: { annotations: { 'movieticketing.io/paused': value } },
    });

  await annotate('true');
  await south.condition('Progressing', 'False', /pause/i);
  await patch(namespace, 'deployment', `${name}-catalog`, { spec: { replicas: 0 } });
  await new Promise((resolve) => setTimeout(resolve, 3_000));
  expect(await replicas()).toBe(0);

  await annotate(null);
  await south.ready();
  expect(await replicas()).toBe(1);
});
