import { afterAll, beforeAll, expect, test } from '@jest/globals';

import { list } from '../testing/kubectl.ts';
import { lostOf, startLoad, stopLoads } from '../testing/load.ts';
import { ensureCinema } from '../testing/shared-cinema.ts';
import type { Ticketing } from '../testing/ticketing.ts';
import { waitFor } from '../testing/waiting.ts';

let cinema: Ticketing;

beforeAll(async () => {
  cinema = await ensureCinema();
});

afterAll(stopLoads);

const podsOf = async (component: string): Promise<string[]> => {
  const pods = await list(
    cinema.namespace,
    'pods',
    `app.kubernetes.io/component=${component},movieticketing.io/resource=${cinema.name}`,
  );
  return pods
    .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
    .map(({ metadata }) => metadata.uid)
    .sort();
};

const components = ['postgres', 'catalog', 'users', 'bookings', 'gateway'];

test('rolls only the pods of the service whose setting changed, and no request fails', async () => {
  const before = new Map<string, string[]>();
  for (const component of components) before.set(component, await podsOf(component));
  const load = await startLoad(cinema.url);

  await cinema.change({ bookings: { holdMinutes: 20 } });
  await waitFor(
    'bookings pods rolled',
    async () => {
      const pods = await podsOf('bookings');
      const old = before.get('bookings') ?? [];
      return pods.length === old.length && pods.every((uid) => !old.includes(uid));
    },
    { seconds: 120 },
  );
  await cinema.ready();
  const result = await load.stop();

  console.log(
    `${String(result.requests)} requests, ${String(result.failed.length)} failed, ${String(result.paid.length)} tickets paid`,
  );
  expect(result.failed).toEqual([]);
  expect(await lostOf(cinema.url, load.token, result)).toEqual([]);
  for (const component of components.filter((name) => name !== 'bookings'))
    expect([component, await podsOf(component)]).toEqual([component, before.get(component)]);
});
