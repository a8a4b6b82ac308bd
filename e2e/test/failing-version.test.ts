import { afterAll, beforeAll, expect, test } from '@jest/globals';

import { ensureCinema } from '../testing/shared-cinema.ts';
import { buyTicket } from '../testing/customer.ts';
import type { Ticketing } from '../testing/ticketing.ts';

let cinema: Ticketing;
let good: string;

beforeAll(async () => {
  cinema = await ensureCinema();
  good = (await cinema.read())['status'].version as string;
});

afterAll(async () => {
  await cinema.change({ version: good, services: { bookings: { resources: null } } });
});

const healsBackTo = async (version: string): Promise<void> => {
  await cinema.change({ version });
  await cinema.ready();
  await cinema.condition('Degraded', 'False');
};

test('reports a failed migration, keeps the old version serving, and recovers when the version is set back', async () => {
  await cinema.change({ version: '1.2.0' });
  const { reason, message } = await cinema.condition(
    'MigrationsApplied',
    'False',
    /no_such_table/,
    120,
  );
  console.log(`${reason}: ${message}`);
  await buyTicket(cinema.url);
  expect((await cinema.read())['status'].version).toBe(good);
  await healsBackTo(good);
});

test('names a missing image, keeps the old version serving, and recovers when the version is set back', async () => {
  await cinema.change({ version: '9.9.9' });
  const { reason, message } = await cinema.condition(
    'MigrationsApplied',
    'False',
    /image|pull/i,
    120,
  );
  console.log(`${reason}: ${message}`);
  expect(message).toContain('9.9.9');
  await buyTicket(cinema.url);
  await healsBackTo(good);
});

test('reports a pod that no node can hold, keeps the old pods serving, and recovers', async () => {
  const resources = { requests: { cpu: '900' } };
  await cinema.change({ services: { bookings: { resources } } });
  const { reason, message } = await cinema.condition(
    'ServicesReady',
    'False',
    /schedul|insufficient/i,
    120,
  );
  console.log(`${reason}: ${message}`);
  await buyTicket(cinema.url);
  await cinema.change({ services: { bookings: { resources: null } } });
  await cinema.ready();
  await buyTicket(cinema.url);
});
