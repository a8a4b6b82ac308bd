import { describe, expect, test } from '@jest/globals';

import { imageIn } from '../../src/objects/live.ts';
import { resourceOf } from '../../testing/example-resource.ts';
import { clusterOf, conditionOf, installed } from '../../testing/installed-cluster.ts';
import { makeSimulatedCluster, type SimulatedCluster } from '../../testing/simulated-cluster.ts';

const withImage = (image: string) => ({ database: { managed: { image } } });

const runningImage = (cluster: SimulatedCluster): string | undefined =>
  imageIn(cluster.objects.get('StatefulSet/shop-postgres'));

const versionOfVolume = (cluster: SimulatedCluster): string | undefined =>
  cluster.objects.get('PersistentVolumeClaim/shop-postgres')?.metadata.annotations?.[
    'movieticketing.io/postgres-version'
  ];

const expectServing = (cluster: SimulatedCluster, reason: string): void => {
  expect(runningImage(cluster)).toBe('postgres:17');
  expect(conditionOf(cluster, 'DatabaseReady')).toBe('True DatabaseAccepting');
  expect(conditionOf(cluster, 'Available')).toBe('True Serving');
  expect(conditionOf(cluster, 'Ready')).toBe(`False ${reason}`);
  expect(conditionOf(cluster, 'Degraded')).toBe(`True ${reason}`);
};

describe('a changed PostgreSQL image', () => {
  test('of the same major version replaces the running one after its check', () => {
    const cluster = installed();
    expect(versionOfVolume(cluster)).toBe('17');
    cluster.respec(withImage('postgres:17.6'));
    cluster.step();
    expect(runningImage(cluster)).toBe('postgres:17');
    cluster.run();
    expect(runningImage(cluster)).toBe('postgres:17.6');
    expect(conditionOf(cluster, 'Ready')).toBe('True Serving');
  });

  test('of another major version is refused, and the running image stays', () => {
    const cluster = installed();
    cluster.respec(withImage('postgres:18'));
    cluster.run(8);
    expectServing(cluster, 'DatabaseVersionMismatch');
    expect(cluster.condition('Degraded')?.message).toContain('an image of PostgreSQL 17');
    cluster.respec(withImage('postgres:17'));
    cluster.run();
    expect(conditionOf(cluster, 'Ready')).toBe('True Serving');
    expect(versionOfVolume(cluster)).toBe('17');
  });

  test('that cannot be pulled never replaces the running one', () => {
    const cluster = installed();
    cluster.waiting.set('postgres-check', { reason: 'ErrImagePull', message: 'no' });
    cluster.respec(withImage('postgres:nonsense'));
    cluster.run(8);
    expectServing(cluster, 'ImagePullFailed');
  });

  test('that is not PostgreSQL never replaces the running one', () => {
    const cluster = installed();
    cluster.jobMessage.set('postgres-check', 'BusyBox');
    cluster.respec(withImage('busybox:1'));
    cluster.run(8);
    expectServing(cluster, 'DatabaseImageInvalid');
  });

  test('is checked against the data also where their version was never recorded', () => {
    const cluster = installed();
    const key = 'PersistentVolumeClaim/shop-postgres';
    const volume = cluster.objects.get(key)!;
    const { 'movieticketing.io/postgres-version': _, ...annotations } =
      volume.metadata.annotations ?? {};
    cluster.objects.set(key, { ...volume, metadata: { ...volume.metadata, annotations } });
    cluster.respec(withImage('postgres:18'));
    cluster.run(12);
    expectServing(cluster, 'DatabaseVersionMismatch');
  });
});

test('a retained volume of another major version starts no database', () => {
  const first = installed();
  const second = makeSimulatedCluster(resourceOf(withImage('postgres:18'), { uid: 'uid-second' }));
  for (const key of ['Secret/shop-database', 'PersistentVolumeClaim/shop-postgres'] as const) {
    second.objects.set(key, first.objects.get(key)!);
  }
  second.run(10);
  expect(second.objects.has('StatefulSet/shop-postgres')).toBe(false);
  expect(conditionOf(second, 'DatabaseReady')).toBe('False DatabaseVersionMismatch');
  second.respec(withImage('postgres:17'));
  second.run();
  expect(conditionOf(second, 'Ready')).toBe('True Serving');
});

test('a first installation does not wait for the check', () => {
  const cluster = clusterOf();
  cluster.waiting.set('postgres-check', { reason: 'ContainerCreating', message: '' });
  cluster.run(20);
  expect(conditionOf(cluster, 'DatabaseReady')).toBe('True DatabaseAccepting');
  expect(conditionOf(cluster, 'GatewayReady')).toBe('True Serving');
});
