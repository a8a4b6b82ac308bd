import { afterAll, beforeAll, expect, test } from '@jest/globals';

import { audit } from '../testing/audit.ts';
import { kubectl } from '../testing/kubectl.ts';
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

test('recovers from a killed PostgreSQL pod and loses nothing that was acknowledged', async () => {
  const load = await startLoad(cinema.url);
  await waitFor('load', () => Promise.resolve(load.answered() > 200));
  const started = performance.now();
  const pod = `${cinema.name}-postgres-0`;
  await kubectl(['delete', 'pod', '-n', cinema.namespace, pod, '--grace-period=0', '--force']);
  await waitFor('a ticket', async () => (await buyTicket(cinema.url)).booking, { seconds: 120 });
  console.log(`a ticket was bought ${secondsSince(started)} after Postgres was killed`);
  await cinema.ready();
  const result = await load.stop();

  console.log(
    `${String(result.requests)} requests, ${String(result.failed.length)} of them during the outage failed; ` +
      `longest gap ${String(Math.round(result.longestGapMs))} ms; ${String(result.paid.length)} tickets paid`,
  );
  expect(await lostOf(cinema.url, load.token, result)).toEqual([]);
  const { holds, report } = await audit(cinema);
  expect(holds ? '' : report).toBe('');
});
