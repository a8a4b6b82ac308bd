import { describe, expect, test } from '@jest/globals';

import { resourceOf } from '../../testing/example-resource.ts';
import { installed, conditionOf } from '../../testing/installed-cluster.ts';
import { makeSimulatedCluster } from '../../testing/simulated-cluster.ts';

describe('data and their password', () => {
  test('a lost password is not replaced while its volume exists', () => {
    const cluster = installed();
    const secret = cluster.objects.get('Secret/shop-database');
    cluster.objects.delete('Secret/shop-database');
    cluster.plans.length = 0;
    cluster.run(5);
    expect(cluster.plans.flatMap(({ create }) => create)).toEqual([]);
    expect(conditionOf(cluster, 'DatabaseReady')).toBe('False PasswordLost');
    if (secret !== undefined) cluster.objects.set('Secret/shop-database', secret);
    cluster.run();
    expect(conditionOf(cluster, 'Ready')).toBe('True Serving');
  });

  test('a deleted volume that is still in use is reported before its data are lost', () => {
    const cluster = installed();
    const key = 'PersistentVolumeClaim/shop-postgres';
    const volume = cluster.objects.get(key)!;
    const going = { ...volume.metadata, deletionTimestamp: '2026-03-01T01:00:00Z' };
    cluster.objects.set(key, { ...volume, metadata: going });
    cluster.run(5);
    expect(conditionOf(cluster, 'DatabaseReady')).toBe('True DatabaseAccepting');
    expect(conditionOf(cluster, 'Degraded')).toBe('True VolumeDeleted');
    cluster.remove(key); // the pod has ended
    cluster.run();
    expect(conditionOf(cluster, 'Ready')).toBe('True Serving');
    expect(cluster.objects.get(key)?.metadata.uid).not.toBe(volume.metadata.uid);
  });

  test('a new resource of the same name adopts the retained volume and password', () => {
    const first = installed({ database: { managed: { storage: { size: '20Gi' } } } });
    const second = makeSimulatedCluster(resourceOf({}, { uid: 'uid-second' }));
    for (const key of ['Secret/shop-database', 'PersistentVolumeClaim/shop-postgres'] as const) {
      const kept = first.objects.get(key);
      expect(kept?.metadata.ownerReferences).toBeUndefined();
      if (kept !== undefined) second.objects.set(key, kept);
    }
    second.run();
    expect(conditionOf(second, 'Ready')).toBe('True Serving');
    expect(second.objects.get('Secret/shop-database')?.['data']).toEqual(
      first.objects.get('Secret/shop-database')?.['data'],
    );
    expect(second.objects.get('PersistentVolumeClaim/shop-postgres')?.['spec']).toMatchObject({
      resources: { requests: { storage: '20Gi' } },
    });
  });

  test('a resource that is deleted and applied again finds its administrator', () => {
    const first = installed();
    const kept = first.objects.get('Secret/shop-admin')!;
    expect(kept.metadata.ownerReferences).toBeUndefined();
    const second = makeSimulatedCluster(resourceOf({}, { uid: 'uid-second' }));
    for (const key of [
      'Secret/shop-admin',
      'Secret/shop-database',
      'PersistentVolumeClaim/shop-postgres',
    ] as const) {
      second.objects.set(key, first.objects.get(key)!);
    }
    second.run();
    expect(conditionOf(second, 'Ready')).toBe('True Serving');
    expect(second.objects.get('Secret/shop-admin')?.['data']).toEqual(kept['data']);
  });

  test('data have an owner with Delete and none with Retain', () => {
    const cluster = installed({ database: { managed: { reclaimPolicy: 'Delete' } } });
    const owners = () =>
      ['Secret/shop-database', 'PersistentVolumeClaim/shop-postgres', 'Secret/shop-admin'].map(
        (key) =>
          cluster.objects.get(key as 'Secret/shop-database')?.metadata.ownerReferences?.length ?? 0,
      );
    expect(owners()).toEqual([1, 1, 1]);
    cluster.respec({});
    cluster.run();
    expect(owners()).toEqual([0, 0, 0]);
  });

  test('a deleted administrator Secret is created again with another e-mail address', () => {
    const cluster = installed();
    const before = cluster.objects.get('Secret/shop-admin')?.['data'];
    cluster.remove('Secret/shop-admin');
    cluster.run();
    const after = cluster.objects.get('Secret/shop-admin')?.['data'] as { email: string };
    expect(after.email).not.toBe((before as { email: string }).email);
    expect(conditionOf(cluster, 'Ready')).toBe('True Serving');
  });
});

describe('the volume', () => {
  const key = 'PersistentVolumeClaim/shop-postgres';
  const withStorage = (storage: { size?: string; storageClassName?: string }) => ({
    database: { managed: { storage } },
  });
  const requestOf = (cluster: ReturnType<typeof installed>): unknown =>
    (cluster.objects.get(key)?.['spec'] as any).resources.requests.storage;
  const setClaim = (cluster: ReturnType<typeof installed>, status: object): void => {
    cluster.objects.set(key, { ...cluster.objects.get(key)!, status });
  };

  test('a size that its class cannot expand can be set back', () => {
    const cluster = installed();
    cluster.respec(withStorage({ size: '20Gi' }));
    const claim = cluster.objects.get(key)!;
    const [sent] = cluster.step().apply.filter(({ kind }) => kind === 'PersistentVolumeClaim');
    expect(sent?.['spec']).toMatchObject({ resources: { requests: { storage: '20Gi' } } });
    // The API server refuses: the claim stays as it was.
    cluster.objects.set(key, claim);
    cluster.refusals.set(key, { message: 'only dynamically provisioned pvc', status: 403 });
    cluster.respec(withStorage({ size: '10Gi' }));
    cluster.refusals.clear();
    cluster.run();
    expect(requestOf(cluster)).toBe('10Gi');
    expect(conditionOf(cluster, 'Ready')).toBe('True Serving');
  });

  test('a size below what the claim has changes nothing', () => {
    const cluster = installed(withStorage({ size: '20Gi' }));
    setClaim(cluster, { phase: 'Bound', capacity: { storage: '20Gi' } });
    cluster.respec(withStorage({ size: '10Gi' }));
    cluster.run();
    expect(requestOf(cluster)).toBe('20Gi');
    expect(conditionOf(cluster, 'Ready')).toBe('True Serving');
  });

  test('an expansion that the storage cannot fulfill can be lowered to more than the capacity', () => {
    const cluster = installed(withStorage({ size: '500Gi' }));
    setClaim(cluster, { phase: 'Bound', capacity: { storage: '10Gi' } });
    cluster.respec(withStorage({ size: '20Gi' }));
    cluster.run();
    expect(requestOf(cluster)).toBe('20Gi');
  });

  test.each([
    ['Pending', 'delete the PersistentVolumeClaim shop-postgres'],
    ['Bound', 'storageClassName to standard'],
  ])('another class for a %s claim is a condition, and the claim stays', (phase, cure) => {
    const cluster = installed(withStorage({ storageClassName: 'standard' }));
    setClaim(cluster, { phase });
    cluster.respec(withStorage({ storageClassName: 'fast' }));
    cluster.run(5);
    expect(conditionOf(cluster, 'Degraded')).toBe('True StorageClassDiffers');
    expect(cluster.condition('Degraded')?.message).toContain(cure);
    cluster.respec(withStorage({ storageClassName: 'standard' }));
    cluster.run();
    expect(conditionOf(cluster, 'Ready')).toBe('True Serving');
  });

  test('an unbound claim that was deleted is created again with the requested class', () => {
    const cluster = installed(withStorage({ storageClassName: 'standard' }));
    cluster.respec(withStorage({ storageClassName: 'fast' }));
    cluster.remove(key);
    cluster.run();
    expect(cluster.objects.get(key)?.['spec']).toMatchObject({ storageClassName: 'fast' });
    expect(conditionOf(cluster, 'Ready')).toBe('True Serving');
  });
});
