import { describe, expect, test } from '@jest/globals';

import { resourceOf } from '../../testing/example-resource.ts';
import { installed, conditionOf } from '../../testing/installed-cluster.ts';
import {
  imagesIn,
  isEmptyPlan,
  makeSimulatedCluster,
  type SimulatedCluster,
} from '../../testing/simulated-cluster.ts';

/** The index of the plan that first applies an object whose key starts with this. */
const firstPlan = (cluster: SimulatedCluster, start: string): number =>
  cluster.plans.findIndex(({ apply, create }) =>
    [...create, ...apply].some((object) =>
      `${object.kind}/${object.metadata.name}`.startsWith(start),
    ),
  );

describe('a first installation', () => {
  test('runs one step after another until everything is available', () => {
    const cluster = installed({ seed: { mode: 'demo' } });
    const order = [
      'Secret/shop-database',
      'StatefulSet/shop-postgres',
      'Job/shop-migrate-',
      'Job/shop-seed-',
      'Deployment/shop-catalog',
      'Deployment/shop-gateway',
    ].map((start) => firstPlan(cluster, start));
    expect(order).toEqual([...order].sort((a, b) => a - b));
    expect(new Set(order).size).toBe(order.length);
    expect(cluster.resource.status).toMatchObject({
      observedGeneration: 1,
      phase: 'Running',
      version: '1.0.0',
      url: 'http://10.0.0.1:30080',
      replicas: { catalog: 2, users: 2, bookings: 2, gateway: 2 },
      migrations: { current: '0005_seed_runs' },
    });
    for (const type of ['Ready', 'DatabaseReady', 'MigrationsApplied', 'Seeded', 'ServicesReady']) {
      expect(cluster.condition(type)?.status).toBe('True');
    }
    expect(conditionOf(cluster, 'Degraded')).toBe('False NoProblem');
    expect(conditionOf(cluster, 'Progressing')).toBe('False Settled');
  });

  test('the plan of a steady state is empty and has no requeue', () => {
    const cluster = installed({ seed: { mode: 'demo' } });
    expect(isEmptyPlan(cluster.step(), cluster)).toBe(true);
    cluster.tick(86_400);
    expect(isEmptyPlan(cluster.step(), cluster)).toBe(true);
  });

  test('later steps wait for a step that is not done', () => {
    const cluster = makeSimulatedCluster(resourceOf());
    cluster.waiting.set('postgres', { reason: 'ContainerCreating', message: '' });
    cluster.run(10);
    expect(conditionOf(cluster, 'DatabaseReady')).toBe('False DatabaseStarting');
    expect(conditionOf(cluster, 'MigrationsApplied')).toBe('False Waiting');
    expect(conditionOf(cluster, 'Progressing')).toBe('True Installing');
    expect(firstPlan(cluster, 'Job/shop-migrate-')).toBe(-1);
    expect(firstPlan(cluster, 'Deployment/')).toBe(-1);
  });

  test('lastTransitionTime changes only with the status', () => {
    const cluster = makeSimulatedCluster(resourceOf());
    cluster.step();
    const since = cluster.condition('Ready')?.lastTransitionTime;
    cluster.step();
    expect(cluster.condition('Ready')?.lastTransitionTime).toBe(since);
    cluster.run();
    expect(cluster.condition('Ready')?.lastTransitionTime).not.toBe(since);
  });

  test('a lost status is rebuilt and nothing is created again', () => {
    const cluster = installed({ seed: { mode: 'demo' } });
    const before = cluster.resource.status;
    const { status: _, ...bare } = cluster.resource;
    cluster.resource = bare;
    const plan = cluster.step();
    expect(plan.create).toEqual([]);
    expect(plan.apply).toEqual([]);
    cluster.run();
    expect(cluster.resource.status).toMatchObject({
      migrations: before?.migrations,
      seededBy: before?.seededBy,
      version: '1.0.0',
    });
  });
});

describe('an upgrade', () => {
  test('a new version migrates first, then rolls out services, then the gateway', () => {
    const cluster = installed();
    cluster.plans.length = 0;
    cluster.respec({ version: '1.1.0' });
    cluster.step();
    expect(imagesIn(cluster)['catalog']).toBe('movie-ticketing-catalog:1.0.0');
    expect(cluster.resource.status).toMatchObject({ version: '1.0.0', phase: 'Upgrading' });
    expect(conditionOf(cluster, 'ServicesReady')).toBe('True Serving');
    cluster.run();
    const order = ['Job/', 'Deployment/shop-users', 'Deployment/shop-gateway'].map((start) =>
      firstPlan(cluster, start),
    );
    expect(order).toEqual([...order].sort((a, b) => a - b));
    expect(new Set(order).size).toBe(3);
    expect(Object.values(imagesIn(cluster)).every((image) => image?.endsWith(':1.1.0'))).toBe(true);
    expect(cluster.resource.status).toMatchObject({ version: '1.1.0', phase: 'Running' });
  });

  test('with failed migrations the old version keeps running and is maintained, and the Job is retried', () => {
    const cluster = installed();
    cluster.jobFailure.set('migrations', { exitCode: 1, message: '0006_x.sql (up) failed: boom' });
    cluster.respec({ version: '1.1.0' });
    cluster.run(5);
    cluster.remove('Deployment/shop-catalog');
    cluster.run(5);
    expect(conditionOf(cluster, 'MigrationsApplied')).toBe('False MigrationFailed');
    expect(cluster.condition('MigrationsApplied')?.message).toContain('0006_x.sql (up) failed');
    expect(conditionOf(cluster, 'Degraded')).toBe('True MigrationFailed');
    expect(conditionOf(cluster, 'ServicesReady')).toBe('True Serving');
    expect(cluster.resource.status?.version).toBe('1.0.0');
    expect(imagesIn(cluster)).toMatchObject({
      catalog: 'movie-ticketing-catalog:1.0.0',
      gateway: 'movie-ticketing-gateway:1.0.0',
    });
    cluster.jobFailure.clear();
    cluster.tick(300);
    cluster.run();
    expect(cluster.resource.status).toMatchObject({ version: '1.1.0', phase: 'Running' });
  });

  test('a failed Job is retried after its delay and not before', () => {
    const cluster = installed();
    cluster.jobFailure.set('migrations', { exitCode: 1, message: 'boom' });
    cluster.respec({ version: '1.1.0' });
    cluster.step();
    const plan = cluster.step();
    expect(plan.delete).toEqual([]);
    expect(plan.requeueAfterMs).toBeLessThanOrEqual(10_000);
    cluster.tick((plan.requeueAfterMs ?? 0) / 1_000);
    expect(cluster.step().delete).toMatchObject([{ kind: 'Job' }]);
  });

  test('a database that is ahead is reported with the version to return to', () => {
    const cluster = installed({ version: '1.1.0' });
    cluster.jobFailure.set('migrations', { exitCode: 3, message: 'The database is ahead' });
    cluster.respec({ version: '1.0.0' });
    cluster.run(5);
    expect(conditionOf(cluster, 'MigrationsApplied')).toBe('False DatabaseAhead');
    expect(cluster.condition('MigrationsApplied')?.message).toContain('Set spec.version to 1.1.0');
    expect(imagesIn(cluster)['users']).toBe('movie-ticketing-users:1.1.0');
    cluster.respec({ version: '1.1.0' });
    cluster.run(5);
    expect(cluster.resource.status).toMatchObject({ version: '1.1.0', phase: 'Running' });
  });

  test('a version that returns runs its migrations again', () => {
    const cluster = installed({ version: '1.1.0' });
    for (const version of ['1.0.0', '1.1.0']) {
      cluster.plans.length = 0;
      cluster.respec({ version });
      cluster.run();
      expect(firstPlan(cluster, 'Job/')).toBeGreaterThan(-1);
      expect(cluster.resource.status?.version).toBe(version);
    }
  });

  test('the gateway keeps its version while new service pods do not start', () => {
    const cluster = installed();
    cluster.waiting.set('bookings', { reason: 'ImagePullBackOff', message: 'Back-off' });
    cluster.respec({ version: '6.6.6' });
    cluster.run(8);
    expect(conditionOf(cluster, 'ServicesReady')).toBe('False ImagePullFailed');
    expect(cluster.condition('Ready')?.message).toContain('1.0.0 keeps running');
    expect(cluster.condition('ServicesReady')?.message).toContain('bookings:6.6.6');
    expect(imagesIn(cluster)['gateway']).toBe('movie-ticketing-gateway:1.0.0');
    cluster.waiting.clear();
    cluster.respec({ version: '1.0.0' });
    cluster.run();
    expect(cluster.resource.status).toMatchObject({ version: '1.0.0', phase: 'Running' });
  });

  test('two former Jobs are kept', () => {
    const cluster = installed();
    for (const version of ['1.1.0', '1.2.0', '1.3.0', '1.4.0', '1.5.0']) {
      cluster.respec({ version });
      cluster.run();
    }
    expect(
      [...cluster.objects.keys()].filter((key) => key.startsWith('Job/shop-migrate-')),
    ).toHaveLength(3);
  });
});

describe('a change of configuration', () => {
  const hashes = (cluster: SimulatedCluster): Record<string, unknown> =>
    Object.fromEntries(
      ['catalog', 'users', 'bookings', 'gateway'].map((name) => [
        name,
        JSON.stringify(
          (cluster.objects.get(`Deployment/shop-${name}`)?.['spec'] as { template: unknown })
            .template,
        ),
      ]),
    );

  test.each([
    ['the booking rules', { bookings: { holdMinutes: 5 } }, ['bookings']],
    ['a log level', { services: { users: { logLevel: 'debug' } } }, ['users']],
    ['the rate limit', { gateway: { rateLimit: 50 } }, ['gateway']],
    ['replicas', { services: { catalog: { replicas: 3 } } }, []],
  ] as const)('a change of %s replaces only the pods that use it', (_, spec, rolled) => {
    const cluster = installed();
    const before = hashes(cluster);
    cluster.respec(spec);
    cluster.run();
    const after = hashes(cluster);
    expect(Object.keys(after).filter((name) => after[name] !== before[name])).toEqual(rolled);
    expect(cluster.resource.status?.phase).toBe('Running');
  });
});
