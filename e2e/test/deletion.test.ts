import { afterAll, expect, test } from '@jest/globals';

import { kubectl, list } from '../testing/kubectl.ts';
import { bookingStatus, buyTicket } from '../testing/customer.ts';
import { makeNamespace, makeTicketing, smallSpec } from '../testing/ticketing.ts';
import { waitFor } from '../testing/waiting.ts';

const cinema = makeTicketing('e2e-deletion', 'tickets', 30_089);

afterAll(() => cinema.remove());

const remove = (): Promise<string> =>
  kubectl(['delete', 'mt', '-n', cinema.namespace, cinema.name, '--timeout=60s']);

const kindsLeft = async (): Promise<string[]> =>
  (await cinema.owned()).map(({ kind, metadata }) => `${kind}/${metadata.name}`).sort();

const isKept = (object: string): boolean => /^(PersistentVolumeClaim|Secret)\//.test(object);

test('keeps the data of a deleted resource for a new one of the same name', async () => {
  await makeNamespace(cinema.namespace);
  await cinema.apply(smallSpec(30_089));
  await cinema.ready();
  const { token, booking } = await buyTicket(cinema.url);

  await remove();
  const left = await waitFor('its objects gone', async () => {
    const found = await kindsLeft();
    return found.every(isKept) && found;
  });
  console.log(`kept: ${left.join(', ')}`);
  expect(left.filter((object) => object.startsWith('PersistentVolumeClaim/'))).toHaveLength(1);

  await cinema.apply(smallSpec(30_089));
  await cinema.ready();
  expect(await bookingStatus(cinema.url, token, booking)).toBe('confirmed');
});

test('reports a deleted volume while the database still runs, and starts with a new one after that', async () => {
  const { token, booking } = await buyTicket(cinema.url);
  const [volume] = await list(cinema.namespace, 'pvc');
  const name = volume!.metadata.name;
  await kubectl(['delete', '-n', cinema.namespace, 'pvc', name, '--wait=false']);
  const { message } = await cinema.condition('Degraded', 'True', /VolumeDeleted/);
  expect(message).toContain(`${name}-0`);
  expect(await bookingStatus(cinema.url, token, booking)).toBe('confirmed');

  await kubectl(['delete', '-n', cinema.namespace, 'pod', `${name}-0`]);
  await waitFor('another volume', async () => {
    const [found] = await list(cinema.namespace, 'pvc');
    return found !== undefined && found.metadata.uid !== volume!.metadata.uid;
  });
  await cinema.ready();
  await waitFor('a ticket', async () => (await buyTicket(cinema.url)).booking, { seconds: 120 });
});

test('leaves nothing behind with reclaimPolicy Delete', async () => {
  await cinema.change({ database: { managed: { reclaimPolicy: 'Delete' } } });
  await cinema.ready();
  await remove();
  await waitFor('nothing left', async () => (await kindsLeft()).length === 0, {
    seconds: 120,
    seen: kindsLeft,
  });
});
