import { expect, test } from '@jest/globals';
import { Registry } from '@movie-ticketing/kit/metrics';

import { makeResourceMetrics } from '../../src/reconcile/resource-metrics.ts';
import { resourceOf } from '../../testing/example-resource.ts';
import { installed } from '../../testing/installed-cluster.ts';

test('the metrics of a resource are those of its status, and end with it', async () => {
  const registry = new Registry();
  const metrics = makeResourceMetrics(registry);
  const { resource } = installed();
  const status = {
    ...resource.status,
    backup: { recoveryPoint: '2027-03-01T03:30:00Z', size: 1_234 },
  };
  metrics.record('cinema/shop', resource, status);
  const place = 'resource_namespace="cinema",resource="shop"';
  const lines = (await registry.metrics()).split('\n');
  expect(lines).toEqual(
    expect.arrayContaining([
      `movie_ticketing_condition{${place},type="Available",status="True"} 1`,
      `movie_ticketing_condition{${place},type="Degraded",status="False"} 1`,
      `movie_ticketing_backup_recovery_point_timestamp_seconds{${place}} ${String(Date.parse('2027-03-01T03:30:00Z') / 1_000)}`,
      `movie_ticketing_backup_size_bytes{${place}} 1234`,
      `movie_ticketing_database_connections_available{${place}} 289`,
    ]),
  );
  // Never verified: no value, which is not the same as 1970.
  expect(lines.filter((line) => line.startsWith('movie_ticketing_backup_last_verified'))).toEqual(
    [],
  );
  metrics.forget('cinema/shop');
  expect(await registry.metrics()).not.toContain('shop');
});

test('a condition that changes has one status', async () => {
  const registry = new Registry();
  const metrics = makeResourceMetrics(registry);
  const { resource } = installed();
  metrics.record('cinema/shop', resource, resource.status ?? {});
  await registry.metrics();
  metrics.record('cinema/shop', resourceOf(), {
    conditions: [{ ...resource.status!.conditions![0]!, type: 'Available', status: 'False' }],
  });
  const available = (await registry.metrics())
    .split('\n')
    .filter((line) => line.includes('type="Available"'));
  expect(available).toEqual([
    'movie_ticketing_condition{resource_namespace="cinema",resource="shop",type="Available",status="False"} 1',
  ]);
});
