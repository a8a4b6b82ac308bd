import { afterAll, beforeAll, expect, test } from '@jest/globals';

import { ensureShop } from '../testing/shared-shop.ts';
import { buyTicket } from '../testing/shop.ts';
import type { Ticketing } from '../testing/ticketing.ts';

let shop: Ticketing;
let good: string;

beforeAll(async () => {
  shop = await ensureShop();
  good = (await shop.read())['status'].version as string;
});

afterAll(async () => {
  await shop.change({ version: good, services: { bookings: { resources: null } } });
});

const healsBackTo = async (version: string): Promise<void> => {
  await shop.change({ version });
  await shop.ready();
  await shop.condition('Degraded', 'False');
};

test('when a version’s migration fails, then a condition says why, the old version serves on, and going back heals', async () => {
  await shop.change({ version: '1.2.0' });
  const { reason, message } = await shop.condition(
    'MigrationsApplied',
    'False',
    /no_such_table/,
    120,
  );
  console.log(`${reason}: ${message}`);
  await buyTicket(shop.url);
  expect((await shop.read())['status'].version).toBe(good);
  await healsBackTo(good);
});

test('when a version’s images do not exist, then a condition names the image, the old version serves on, and going back heals', async () => {
  await shop.change({ version: '9.9.9' });
  const { reason, message } = await shop.condition(
    'MigrationsApplied',
    'False',
    /image|pull/i,
    120,
  );
  console.log(`${reason}: ${message}`);
  expect(message).toContain('9.9.9');
  await buyTicket(shop.url);
  await healsBackTo(good);
});

test('when a pod asks for more than any node has, then a condition says so, the old pods serve on, and going back heals', async () => {
  const resources = { requests: { cpu: '900' } };
  await shop.change({ services: { bookings: { resources } } });
  const { reason, message } = await shop.condition(
    'ServicesReady',
    'False',
    /schedul|insufficient/i,
    120,
  );
  console.log(`${reason}: ${message}`);
  await buyTicket(shop.url);
  await shop.change({ services: { bookings: { resources: null } } });
  await shop.ready();
  await buyTicket(shop.url);
});
