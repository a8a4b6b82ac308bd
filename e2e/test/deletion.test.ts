import { afterAll, expect, test } from '@jest/globals';

import { kubectl, list } from '../testing/kubectl.ts';
import { bookingStatus, buyTicket } from '../testing/shop.ts';
import { makeNamespace, smallSpec, ticketing } from '../testing/ticketing.ts';
import { waitFor } from '../testing/waiting.ts';

const shop = ticketing('e2e-deletion', 'tickets', 30_089);

afterAll(() => shop.remove());

const remove = (): Promise<string> =>
  kubectl(['delete', 'mt', '-n', shop.namespace, shop.name, '--timeout=60s']);

const kindsLeft = async (): Promise<string[]> =>
  (await shop.owned()).map(({ kind, metadata }) => `${kind}/${metadata.name}`).sort();

const isKept = (object: string): boolean => /^(PersistentVolumeClaim|Secret)\//.test(object);

test('when a resource is deleted, then its data stay; a new one of the same name adopts them', async () => {
  await makeNamespace(shop.namespace);
  await shop.apply(smallSpec(30_089));
  await shop.ready();
  const { token, booking } = await buyTicket(shop.url);

  await remove();
  const left = await waitFor('its objects gone', async () => {
    const found = await kindsLeft();
    return found.every(isKept) && found;
  });
  console.log(`kept: ${left.join(', ')}`);
  expect(left.filter((object) => object.startsWith('PersistentVolumeClaim/'))).toHaveLength(1);

  await shop.apply(smallSpec(30_089));
  await shop.ready();
  expect(await bookingStatus(shop.url, token, booking)).toBe('confirmed');
});

test('when the volume is deleted under a running database, then that is told while there is time; after the pod’s end all begins anew', async () => {
  const { token, booking } = await buyTicket(shop.url);
  const [volume] = await list(shop.namespace, 'pvc');
  const name = volume!.metadata.name;
  await kubectl(['delete', '-n', shop.namespace, 'pvc', name, '--wait=false']);
  const { message } = await shop.condition('Degraded', 'True', /VolumeDeleted/);
  expect(message).toContain(`${name}-0`);
  expect(await bookingStatus(shop.url, token, booking)).toBe('confirmed');

  await kubectl(['delete', '-n', shop.namespace, 'pod', `${name}-0`]);
  await waitFor('another volume', async () => {
    const [found] = await list(shop.namespace, 'pvc');
    return found !== undefined && found.metadata.uid !== volume!.metadata.uid;
  });
  await shop.ready();
  await waitFor('a ticket', async () => (await buyTicket(shop.url)).booking, { seconds: 120 });
});

test('when a resource with reclaimPolicy Delete is deleted, then nothing is left', async () => {
  await shop.change({ database: { managed: { reclaimPolicy: 'Delete' } } });
  await shop.ready();
  await remove();
  await waitFor('nothing left', async () => (await kindsLeft()).length === 0, {
    seconds: 120,
    seen: kindsLeft,
  });
});
