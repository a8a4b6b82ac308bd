import { afterAll, beforeAll, expect, test } from '@jest/globals';

import { audit } from '../testing/audit.ts';
import { kubectl } from '../testing/kubectl.ts';
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

test('when the Postgres pod is killed under load, then it recovers and nothing acknowledged is lost', async () => {
  const load = await startLoad(shop.url);
  await waitFor('load', () => Promise.resolve(load.answered() > 200));
  const started = performance.now();
  const pod = `${shop.name}-postgres-0`;
  await kubectl(['delete', 'pod', '-n', shop.namespace, pod, '--grace-period=0', '--force']);
  await waitFor('a ticket', async () => (await buyTicket(shop.url)).booking, { seconds: 120 });
  console.log(`a ticket was bought ${secondsSince(started)} after Postgres was killed`);
  await shop.ready();
  const result = await load.stop();

  console.log(
    `${String(result.requests)} requests, ${String(result.failed.length)} of them during the outage failed; ` +
      `longest gap ${String(Math.round(result.longestGapMs))} ms; ${String(result.paid.length)} tickets paid`,
  );
  expect(await lostOf(shop.url, load.token, result)).toEqual([]);
  const { holds, report } = await audit(shop);
  expect(holds ? '' : report).toBe('');
});
