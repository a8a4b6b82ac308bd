import { afterAll, beforeAll, expect, test } from '@jest/globals';

import { audit } from '../testing/audit.ts';
import { list } from '../testing/kubectl.ts';
import { lostOf, startLoad, stopLoads } from '../testing/load.ts';
import { ensureCinema } from '../testing/shared-cinema.ts';
import { buyTicket } from '../testing/customer.ts';
import type { Ticketing } from '../testing/ticketing.ts';
import { secondsSince, waitFor } from '../testing/waiting.ts';

let cinema: Ticketing;

beforeAll(async () => {
  cinema = await ensureCinema();
});

afterAll(stopLoads);

const runningImages = async (): Promise<string[]> => {
  const deployments = await list(cinema.namespace, 'deployments');
  return deployments.map(({ spec }) => spec.template.spec.containers[0].image as string).sort();
};

test('upgrades under load: migrates, then rolls the services, no request fails and the audit holds', async () => {
  const load = await startLoad(cinema.url);
  await waitFor('load', () => Promise.resolve(load.answered() > 100));
  const started = performance.now();

  await cinema.change({ version: '1.1.0' });
  await cinema.ready(180);
  console.log(`upgraded in ${secondsSince(started)}`);
  const result = await load.stop();

  console.log(
    `${String(result.requests)} requests, ${String(result.failed.length)} failed, ` +
      `longest gap ${String(Math.round(result.longestGapMs))} ms, ${String(result.paid.length)} tickets paid`,
  );
  expect(result.failed).toEqual([]);
  expect(await lostOf(cinema.url, load.token, result)).toEqual([]);
  const { status } = await cinema.read();
  expect(status).toMatchObject({ version: '1.1.0', phase: 'Running' });
  expect((await runningImages()).every((image) => image.endsWith(':1.1.0'))).toBe(true);
  const { holds, report } = await audit(cinema);
  expect(holds ? '' : report).toBe('');
});

test('refuses a downgrade across a migration and keeps the newer version serving', async () => {
  await cinema.change({ version: '1.0.0' });
  const refused = await cinema.condition(
    'MigrationsApplied',
    'False',
    /ahead|downgrade|newer/i,
    90,
  );
  console.log(`${refused.reason}: ${refused.message}`);
  expect((await runningImages()).every((image) => image.endsWith(':1.1.0'))).toBe(true);
  await buyTicket(cinema.url);

  await cinema.change({ version: '1.1.0' });
  await cinema.ready();
});
