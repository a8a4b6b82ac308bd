import { afterAll, beforeAll, expect, test } from '@jest/globals';

import { allEndpoints } from '../src/all-endpoints.ts';
import { startTestSystem, type TestSystem } from '../testing/system.ts';

let system: TestSystem;
beforeAll(async () => {
  system = await startTestSystem();
});
afterAll(async () => {
  await system.stop();
});

const scrape = async (): Promise<string> => (await fetch(`${system.managementUrl}/metrics`)).text();

test('unknown paths and methods do not add metric labels', async () => {
  for (let i = 0; i < 50; i += 1) {
    await fetch(`${system.url}/made-up-${String(i)}/${String(i)}?q=${String(i)}`);
    await fetch(`${system.url}/movies/${String(i)}`);
  }
  const routes = new Set([...(await scrape()).matchAll(/route="([^"]*)"/g)].map(([, it]) => it));
  const known = Object.values(allEndpoints()).flatMap((all) => all.map(({ path }) => path));
  for (const route of routes) expect([...known, 'unmatched']).toContain(route);
  expect(routes).toContain('/movies/:id');
  expect(routes).toContain('unmatched');
});

test.each([
  'http_request_duration_seconds',
  'booking_queue_depth',
  'booking_batch_size',
  'bookings_total',
  'payments_total',
  'bookings_released_total',
  'database_pool_connections',
  'nodejs_eventloop_lag_p99_seconds',
])('exposes %s, which docs/observe.md names', async (name) => {
  expect(await scrape()).toContain(`# HELP ${name} `);
});
