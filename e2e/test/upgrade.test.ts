import { afterAll, beforeAll, expect, test } from '@jest/globals';

import { audit } from '../testing/audit.ts';
import { list } from '../testing/kubectl.ts';
import { lostOf, startLoad, stopLoads } from '../testing/load.ts';
import { ensureShop } from '../testing/shared-shop.ts';
import { buyTicket } from '../testing/shop.ts';
import type { Ticketing } from '../testing/ticketing.ts';
import { secondsSince, waitFor } from '../testing/waiting.ts';

let shop: Ticketing;

beforeAll(async () => {
  shop = await ensureShop();
});

afterAll(stopLoads);

const imagesThatRun = async (): Promise<string[]> => {
  const deployments = await list(shop.namespace, 'deployments');
  return deployments.map(({ spec }) => spec.template.spec.containers[0].image as string).sort();
};

test('when the version is raised under load, then its migration runs first, the services roll, no request fails and the ledger is exact', async () => {
  const load = await startLoad(shop.url);
  await waitFor('load', () => Promise.resolve(load.answered() > 100));
  const started = performance.now();

  await shop.change({ version: '1.1.0' });
  await shop.ready(180);
  console.log(`upgraded in ${secondsSince(started)}`);
  const result = await load.stop();

  console.log(
    `${String(result.requests)} requests, ${String(result.failed.length)} failed, ` +
      `longest gap ${String(Math.round(result.longestGapMs))} ms, ${String(result.paid.length)} tickets paid`,
  );
  expect(result.failed).toEqual([]);
  expect(await lostOf(shop.url, load.token, result)).toEqual([]);
  const { status } = await shop.read();
  expect(status).toMatchObject({ version: '1.1.0', phase: 'Running' });
  expect((await imagesThatRun()).every((image) => image.endsWith(':1.1.0'))).toBe(true);
  const { holds, report } = await audit(shop);
  expect(holds ? '' : report).toBe('');
});

test('when a downgrade would cross a migration, then it is refused with its reason and the newer version serves on', async () => {
  await shop.change({ version: '1.0.0' });
  const refused = await shop.condition('MigrationsApplied', 'False', /ahead|downgrade|newer/i, 90);
  console.log(`${refused.reason}: ${refused.message}`);
  expect((await imagesThatRun()).every((image) => image.endsWith(':1.1.0'))).toBe(true);
  await buyTicket(shop.url);

  await shop.change({ version: '1.1.0' });
  await shop.ready();
});
