import { beforeAll, expect, test } from '@jest/globals';

import { get, type Live } from '../testing/kubectl.ts';
import { ensureCinema } from '../testing/shared-cinema.ts';
import type { Ticketing } from '../testing/ticketing.ts';
import { waitFor } from '../testing/waiting.ts';

let cinema: Ticketing;

beforeAll(async () => {
  cinema = await ensureCinema();
});

const deployment = async (): Promise<Live> => {
  const found = await get(cinema.namespace, 'deployment', `${cinema.name}-catalog`);
  if (found === undefined) throw new Error('no Deployment');
  return found;
};

/** Notes every number of pods that the Deployment asked for, until it is stopped. */
const watchReplicas = (): { stop: () => Promise<number[]> } => {
  const seen: number[] = [];
  const stopped = new AbortController();
  const watching = (async () => {
    while (!stopped.signal.aborted) {
      const replicas = (await deployment())['spec'].replicas as number;
      if (seen.at(-1) !== replicas) seen.push(replicas);
    }
  })();
  return {
    stop: async () => {
      stopped.abort();
      await watching;
      return seen;
    },
  };
};

const replicas = async (): Promise<number> => (await deployment())['spec'].replicas as number;

test('an autoscaler takes over and hands back without a step backwards, while the spec is edited', async () => {
  expect(await replicas()).toBe(2);
  const watch = watchReplicas();
  const autoscaling = (minReplicas: number) => ({
    services: { catalog: { autoscaling: { minReplicas, maxReplicas: 4 } } },
  });
  await cinema.change(autoscaling(2));
  await cinema.ready();
  expect(await replicas()).toBe(2);

  await cinema.change(autoscaling(3));
  let edits = 0;
  await waitFor(
    'three pods',
    async () => {
      edits += 1;
      await cinema.change({ bookings: { holdMinutes: 10 + (edits % 5) } });
      return (await replicas()) === 3;
    },
    { everyMs: 1_000 },
  );
  await cinema.ready();
  const { managedFields = [] } = (await deployment()).metadata;
  const owners = managedFields
    .filter(({ fieldsV1 }) => 'f:replicas' in (fieldsV1['f:spec'] ?? {}))
    .map(({ manager }) => manager);
  expect(owners).toEqual(['kube-controller-manager']);

  await cinema.change({ services: { catalog: { autoscaling: null, replicas: 4 } } });
  await waitFor('four pods', async () => (await replicas()) === 4);
  await cinema.ready();
  expect(await watch.stop()).toEqual([2, 3, 4]);
  await cinema.change({ services: { catalog: { replicas: 2 } }, bookings: { holdMinutes: 15 } });
  await cinema.ready();
});
