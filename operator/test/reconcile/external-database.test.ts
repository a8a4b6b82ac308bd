import { describe, expect, test } from '@jest/globals';

import { serviceNames } from '../../src/components/names.ts';
import type { MovieTicketingSpecInput } from '../../src/resource/movie-ticketing.schema.ts';
import { userObject, resourceOf } from '../../testing/example-resource.ts';
import { conditionOf } from '../../testing/installed-cluster.ts';
import {
  isEmptyPlan,
  makeSimulatedCluster,
  type SimulatedCluster,
} from '../../testing/simulated-cluster.ts';

const external: MovieTicketingSpecInput = {
  database: { external: { host: 'db.example.com', credentialsSecretRef: { name: 'login' } } },
};
const loginOf = (username: string) =>
  userObject('Secret', 'login', { username, password: 'the-login-password' });

const warning =
  'Without roles of their own: bookings, catalog, users run as the login "app" itself.';
const done = 'Done; the database is at 0005_seed_runs';

const prepared = (spec = external): SimulatedCluster => {
  const cluster = makeSimulatedCluster(resourceOf(spec));
  cluster.others.set('Secret/login', loginOf('app'));
  return cluster;
};

const migrationJobs = (cluster: SimulatedCluster): string[] =>
  [...cluster.objects.keys()].filter((key) => key.startsWith('Job/shop-migrat'));

describe('a login that cannot use the roles of the services', () => {
  const warned = (): SimulatedCluster => {
    const cluster = prepared();
    cluster.jobMessage.set('migrations', `${done}\n${warning}`);
    cluster.run();
    return cluster;
  };

  test('a warning of the migrations is in the condition, which stays True', () => {
    const cluster = warned();
    expect(conditionOf(cluster, 'Ready')).toBe('True Serving');
    expect(conditionOf(cluster, 'Degraded')).toBe('False NoProblem');
    expect(conditionOf(cluster, 'MigrationsApplied')).toBe('True MigrationsApplied');
    const said = `The database has the migrations of 1.0.0. ${warning}`;
    expect(cluster.condition('MigrationsApplied')?.message).toBe(said);
    expect(cluster.resource.status?.migrations).toMatchObject({
      current: '0005_seed_runs',
      message: warning,
    });
    const events = cluster.plans.flatMap((plan) => plan.events);
    expect(events).toContainEqual({ type: 'Normal', reason: 'MigrationsApplied', message: said });
  });

  test('the warning stays after the Job and its pod are deleted', () => {
    const cluster = warned();
    for (const key of migrationJobs(cluster)) cluster.remove(key as 'Job/x');
    cluster.tick(86_400);
    expect(isEmptyPlan(cluster.step(), cluster)).toBe(true);
    expect(cluster.condition('MigrationsApplied')?.message).toContain(warning);
  });

  test('a change of the login Secret runs the migrations again and clears the warning', () => {
    const cluster = warned();
    const before = cluster.resource.status?.migrations;
    cluster.jobMessage.clear();
    cluster.others.set('Secret/login', loginOf('another'));
    cluster.run();
    expect(cluster.resource.status?.migrations?.lastJob).not.toBe(before?.lastJob);
    expect(cluster.resource.status?.migrations?.message).toBeUndefined();
    expect(cluster.condition('MigrationsApplied')?.message).not.toContain('Without roles');
    expect(conditionOf(cluster, 'Ready')).toBe('True Serving');
  });

  test('the Secret of a managed database does not change the Job', () => {
    const cluster = makeSimulatedCluster(resourceOf());
    cluster.run();
    const secret = cluster.objects.get('Secret/shop-database')!;
    cluster.objects.set('Secret/shop-database', { ...secret, data: loginOf('postgres')['data'] });
    cluster.run();
    expect(migrationJobs(cluster)).toHaveLength(1);
  });
});

describe('a database that is lost after the installation', () => {
  const lose = (cluster: SimulatedCluster): void => {
    for (const service of serviceNames) cluster.lost.add(service);
    cluster.jobFailure.set('migrations', {
      exitCode: 4,
      message: 'Cannot connect to the database',
    });
  };

  const installed = (spec = external): SimulatedCluster => {
    const cluster = prepared(spec);
    cluster.run();
    expect(conditionOf(cluster, 'Ready')).toBe('True Serving');
    cluster.tick(3_600);
    return cluster;
  };

  test('unready services start a check of the database, and DatabaseReady reports that it is unreachable', () => {
    const cluster = installed();
    lose(cluster);
    cluster.run(3);
    cluster.tick(130);
    cluster.run(6);
    expect(conditionOf(cluster, 'ServicesReady')).toBe('False PodsNotReady');
    expect(conditionOf(cluster, 'DatabaseReady')).toBe('False DatabaseUnreachable');
    const message = cluster.condition('DatabaseReady')?.message;
    expect(message).toContain('Cannot connect to the database at db.example.com:5432');
    expect(message).toContain('Cannot connect to the database');
    expect(message).not.toContain('keeps running');
    expect(conditionOf(cluster, 'Degraded')).toBe('True DatabaseUnreachable');
  });

  test('the condition stays while the database is unreachable, and checks become less frequent', () => {
    const cluster = installed();
    lose(cluster);
    cluster.run(3);
    cluster.tick(130);
    cluster.run(6);
    cluster.plans.length = 0;
    for (let pass = 0; pass < 180; pass += 1) {
      cluster.tick(9);
      cluster.step();
      expect(conditionOf(cluster, 'DatabaseReady')).toBe('False DatabaseUnreachable');
    }
    const asked = cluster.plans.filter(({ apply }) => apply.some(({ kind }) => kind === 'Job'));
    expect(asked.length).toBeGreaterThan(4);
    expect(asked.length).toBeLessThan(16);
    expect(cluster.plans.flatMap((plan) => plan.events)).toEqual([]);
  });

  test('after the database returns the status is as before, without another run', () => {
    const cluster = installed();
    const before = cluster.resource.status?.migrations;
    lose(cluster);
    cluster.run(3);
    cluster.tick(130);
    cluster.run(6);
    cluster.lost.clear();
    cluster.run();
    expect(conditionOf(cluster, 'Ready')).toBe('True Serving');
    expect(conditionOf(cluster, 'DatabaseReady')).toBe('True DatabaseExternal');
    expect(cluster.resource.status?.migrations).toEqual(before);
    expect(isEmptyPlan(cluster.step(), cluster)).toBe(true);
  });

  test('a database that answers stays Ready and is checked every five minutes', () => {
    const cluster = installed();
    for (const service of serviceNames) cluster.lost.add(service);
    cluster.run(3);
    cluster.tick(130);
    cluster.plans.length = 0;
    for (let pass = 0; pass < 60; pass += 1) {
      cluster.tick(9);
      cluster.step();
      expect(conditionOf(cluster, 'DatabaseReady')).toBe('True DatabaseExternal');
      expect(conditionOf(cluster, 'MigrationsApplied')).toBe('True MigrationsApplied');
    }
    expect(conditionOf(cluster, 'ServicesReady')).toBe('False PodsNotReady');
    const asked = cluster.plans.filter(({ apply }) => apply.some(({ kind }) => kind === 'Job'));
    expect(asked).toHaveLength(2);
    expect(cluster.plans.flatMap((plan) => plan.events)).toHaveLength(1); // PodsNotReady
  });

  test('the migrations of a managed database run again too: a restored copy may be older', () => {
    const cluster = installed({});
    const before = cluster.resource.status?.migrations?.completedAt;
    for (const service of serviceNames) cluster.lost.add(service);
    cluster.run(3);
    cluster.tick(130);
    cluster.run(6);
    expect(cluster.resource.status?.migrations?.completedAt).not.toBe(before);
    cluster.lost.clear();
    cluster.run();
    expect(conditionOf(cluster, 'Ready')).toBe('True Serving');
  });

  test('a managed database that is down is reported from its pods, without a Job', () => {
    const cluster = installed({});
    for (const service of serviceNames) cluster.lost.add(service);
    cluster.waiting.set('postgres', { reason: 'ErrImagePull', message: 'no' });
    cluster.run(3);
    cluster.tick(400);
    cluster.plans.length = 0;
    cluster.run(6);
    expect(conditionOf(cluster, 'DatabaseReady')).toBe('False ImagePullFailed');
    expect(conditionOf(cluster, 'MigrationsApplied')).toBe('True MigrationsApplied');
    expect(cluster.plans.flatMap(({ apply }) => apply)).toEqual([]);
  });
});

describe('logins of the services', () => {
  const separate: MovieTicketingSpecInput = {
    database: {
      external: {
        host: 'db.example.com',
        credentialsSecretRef: { name: 'login' },
        serviceCredentials: { users: { name: 'users-login' }, bookings: { name: 'books' } },
      },
    },
  };
  const secret = (name: string, password = 'a-password') =>
    userObject('Secret', name, { username: name, password });

  const loginIn = (cluster: SimulatedCluster, key: string): unknown => {
    const { template } = cluster.objects.get(key as 'Deployment/x')?.['spec'] as any;
    const { env } = template.spec.containers[0];
    return env.find(({ name }: { name: string }) => name === 'DB_USER').valueFrom.secretKeyRef.name;
  };

  test('are used by their services, and the one of all by the rest', () => {
    const cluster = prepared(separate);
    cluster.others.set('Secret/users-login', secret('users-login'));
    cluster.others.set('Secret/books', secret('books'));
    cluster.run();
    expect(conditionOf(cluster, 'Ready')).toBe('True Serving');
    const job = migrationJobs(cluster)[0] ?? '';
    expect(
      ['Deployment/shop-catalog', 'Deployment/shop-users', 'Deployment/shop-bookings', job].map(
        (key) => loginIn(cluster, key),
      ),
    ).toEqual(['login', 'users-login', 'books', 'login']);
  });

  test('a missing one is named, and a changed one replaces the pods of its service alone', () => {
    const cluster = prepared(separate);
    cluster.others.set('Secret/users-login', secret('users-login'));
    cluster.run();
    expect(cluster.condition('DatabaseReady')).toMatchObject({
      reason: 'SecretMissing',
      message: expect.stringContaining('The Secret books does not exist'),
    });
    cluster.others.set('Secret/books', secret('books'));
    cluster.run();
    const of = (name: string) =>
      JSON.stringify(cluster.objects.get(`Deployment/shop-${name}`)?.['spec']);
    const before = { users: of('users'), bookings: of('bookings'), catalog: of('catalog') };
    cluster.others.set('Secret/books', secret('books', 'another-password'));
    cluster.run();
    expect(of('bookings')).not.toBe(before.bookings);
    expect(of('users')).toBe(before.users);
    expect(of('catalog')).toBe(before.catalog);
  });
});
