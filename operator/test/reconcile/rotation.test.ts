import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import { loginKeys, programs, serviceNames } from '../../src/components/names.ts';
import {
  loginAnnotation,
  rotateAnnotation,
} from '../../src/components/migrations/service-logins.ts';
import { shortHash } from '../../src/objects/hash.ts';
import { componentOf } from '../../src/objects/live.ts';
import type { MovieTicketingSpecInput } from '../../src/resource/movie-ticketing.schema.ts';
import { resourceOf } from '../../testing/example-resource.ts';
import { makeSimulatedCluster, type SimulatedCluster } from '../../testing/simulated-cluster.ts';

type Login = { username: string; password: string };

/** The logins in the Secret, by program and in both places. */
const loginsIn = (cluster: SimulatedCluster, which: 'current' | 'second'): Login[] => {
  const data = (cluster.objects.get('Secret/shop-logins')?.['data'] ?? {}) as Record<
    string,
    string
  >;
  const read = (key: string): string => Buffer.from(data[key] ?? '', 'base64').toString('utf8');
  return programs.flatMap((program) => {
    const keys = loginKeys(program, which);
    return data[keys.username] === undefined
      ? []
      : [{ username: read(keys.username), password: read(keys.password) }];
  });
};

const installed = (spec: MovieTicketingSpecInput = {}): SimulatedCluster => {
  const cluster = makeSimulatedCluster(resourceOf(spec));
  cluster.run();
  return cluster;
};

const request = (cluster: SimulatedCluster): void => {
  const { metadata } = cluster.resource;
  const at = cluster.observe().now.toISOString();
  cluster.resource = {
    ...cluster.resource,
    metadata: { ...metadata, annotations: { ...metadata.annotations, [rotateAnnotation]: at } },
  };
};

/** Longer than two rotations take: a plan between two of their steps changes the status alone. */
const rotate = (cluster: SimulatedCluster): void => {
  for (let step = 0; step < 30; step += 1) cluster.step();
};

const state = (cluster: SimulatedCluster) =>
  cluster.resource.status?.rotation?.databasePasswords?.state;

const usernames = (cluster: SimulatedCluster): string[] =>
  loginsIn(cluster, 'current').map(({ username }) => username);

const loginsWith = (suffix: string): string[] =>
  programs.map((program) => `mt_${program}_${suffix}`);

describe('the logins of the services', () => {
  test('are made before the migrations run, and only the migrations have the owner’s', () => {
    const cluster = installed();
    expect(usernames(cluster)).toEqual(loginsWith('a'));
    expect(loginsIn(cluster, 'second')).toEqual([]);
    for (const object of cluster.objects.values()) {
      const usesOwner = JSON.stringify(object['spec'] ?? {}).includes('"name":"shop-database"');
      const mayUseIt = ['postgres', 'migrations'].includes(componentOf(object) ?? '');
      expect({ kind: object.kind, name: object.metadata.name, usesOwner }).toEqual({
        kind: object.kind,
        name: object.metadata.name,
        usesOwner: mayUseIt && usesOwner,
      });
    }
    expect(cluster.condition('Ready')?.status).toBe('True');
  });

  test('are made again with new passwords if their Secret was deleted', () => {
    const cluster = installed();
    const [before] = loginsIn(cluster, 'current');
    cluster.remove('Secret/shop-logins');
    cluster.run();
    const [after] = loginsIn(cluster, 'current');
    expect(after?.password).not.toBe(before?.password);
    expect(cluster.condition('Ready')?.status).toBe('True');
  });

  test('are not made for an external database', () => {
    const cluster = makeSimulatedCluster(
      resourceOf({
        database: { external: { host: 'db.example.com', credentialsSecretRef: { name: 'login' } } },
      }),
    );
    cluster.run();
    expect(cluster.objects.has('Secret/shop-logins')).toBe(false);
  });
});

describe('a rotation of the database passwords', () => {
  test('goes over to the second login, and the condition Ready holds at its end', () => {
    const cluster = installed();
    const before = loginsIn(cluster, 'current');
    cluster.tick(60);
    request(cluster);
    const states = new Set<string | undefined>();
    for (let step = 0; step < 12; step += 1) {
      cluster.step();
      states.add(state(cluster));
      expect(cluster.condition('MigrationsApplied')?.status).toBe('True');
    }
    expect([...states]).toEqual(['steady', 'opening', 'closing']);
    expect(state(cluster)).toBe('steady');
    expect(usernames(cluster)).toEqual(loginsWith('b'));
    expect(loginsIn(cluster, 'second')).toEqual([]);
    const passwords = new Set(before.map(({ password }) => password));
    expect(loginsIn(cluster, 'current').some(({ password }) => passwords.has(password))).toBe(
      false,
    );
    expect(cluster.condition('Ready')?.status).toBe('True');
  });

  test('is made once for a request within a second', () => {
    const cluster = installed();
    cluster.tick(60.5);
    request(cluster);
    cluster.tick(0.3);
    rotate(cluster);
    expect(usernames(cluster)).toEqual(loginsWith('b'));
  });

  test('begins when the passwords are as old as spec.rotation says, and not before', () => {
    const cluster = installed({ rotation: { databasePasswords: { everyDays: 30 } } });
    cluster.tick(29 * 86_400);
    rotate(cluster);
    expect(usernames(cluster)).toEqual(loginsWith('a'));
    cluster.tick(86_400);
    rotate(cluster);
    expect(usernames(cluster)).toEqual(loginsWith('b'));
    cluster.tick(30 * 86_400);
    rotate(cluster);
    expect(usernames(cluster)).toEqual(loginsWith('a'));
  });

  test('waits until the pods of an earlier change run', () => {
    const cluster = installed();
    cluster.waiting.set('bookings', { reason: 'ImagePullBackOff', message: 'not found' });
    cluster.respec({ services: { bookings: { logLevel: 'debug' } } });
    cluster.step();
    cluster.tick(60);
    request(cluster);
    for (let step = 0; step < 5; step += 1) cluster.step();
    expect(state(cluster)).toBe('steady');
    cluster.waiting.clear();
    rotate(cluster);
    expect(usernames(cluster)).toEqual(loginsWith('b'));
  });

  test('keeps the former login open while one pod still uses it', () => {
    const cluster = installed();
    cluster.tick(60);
    request(cluster);
    while (state(cluster) !== 'closing') cluster.step();
    cluster.waiting.set('users', { reason: 'ImagePullBackOff', message: 'not found' });
    for (let step = 0; step < 5; step += 1) {
      cluster.objects.get('Deployment/shop-users')!['status'] = {};
      cluster.step();
    }
    expect(loginsIn(cluster, 'second').map(({ username }) => username)).toEqual(loginsWith('a'));
    cluster.waiting.clear();
    rotate(cluster);
    expect(loginsIn(cluster, 'second')).toEqual([]);
  });

  const events = fc.constantFrom(
    'request',
    'jobs fail',
    'jobs work',
    'pods wait',
    'pods run',
    'days',
  );

  test('never leaves a pod with a login that the database does not accept', () => {
    fc.assert(
      fc.property(fc.array(events, { maxLength: 25 }), (sequence) => {
        const cluster = installed({ rotation: { databasePasswords: { everyDays: 7 } } });
        let lastJob = '';
        let open: string[] = [];
        const setByJob = (): void => {
          const job = [...cluster.objects.values()].find(
            (object) => object.kind === 'Job' && componentOf(object) === 'migrations',
          );
          const isComplete = JSON.stringify(job?.['status'] ?? {}).includes('Complete');
          if (!isComplete || job?.metadata.uid === lastJob) return;
          lastJob = job?.metadata.uid ?? '';
          open = (['current', 'second'] as const)
            .flatMap((which) => loginsIn(cluster, which))
            .map((login) => shortHash(login));
        };
        setByJob();
        for (const event of [...sequence, 'jobs work', 'pods run']) {
          if (event === 'request') request(cluster);
          if (event === 'days') cluster.tick(3 * 86_400);
          if (event === 'jobs fail')
            cluster.jobFailure.set('migrations', { exitCode: 1, message: 'failed' });
          if (event === 'jobs work') cluster.jobFailure.clear();
          if (event === 'pods wait')
            cluster.waiting.set('catalog', { reason: 'ImagePullBackOff', message: 'not found' });
          if (event === 'pods run') cluster.waiting.clear();
          cluster.step();
          setByJob();
          for (const pod of cluster.pods) {
            if (!serviceNames.some((service) => service === componentOf(pod))) continue;
            expect(open).toContain(pod.metadata.annotations?.[loginAnnotation]);
          }
        }
        cluster.tick(600);
        rotate(cluster);
        expect(state(cluster)).toBe('steady');
      }),
      { numRuns: 25 },
    );
  });
});
