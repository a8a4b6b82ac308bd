import { describe, expect, test } from '@jest/globals';

import { pausedAnnotation } from '../../src/children/labels.ts';
import type { MovieTicketingSpecInput } from '../../src/resource/movie-ticketing.schema.ts';
import { givenObject, resourceOf } from '../../testing/example-resource.ts';
import {
  isEmptyPlan,
  makeSimulatedCluster,
  type SimulatedCluster,
} from '../../testing/simulated-cluster.ts';

const clusterOf = (spec: MovieTicketingSpecInput = {}): SimulatedCluster =>
  makeSimulatedCluster(resourceOf(spec));

const installed = (spec: MovieTicketingSpecInput = {}): SimulatedCluster => {
  const cluster = clusterOf(spec);
  cluster.run();
  expect(cluster.resource.status?.phase).toBe('Running');
  return cluster;
};

const told = (cluster: SimulatedCluster, type: string): string => {
  const found = cluster.condition(type);
  return `${found?.status ?? 'no'} ${found?.reason ?? 'condition'}`;
};

/** Runs until it says what is wrong, takes the cause away, and sees it heal. */
const expectTrouble = (
  cluster: SimulatedCluster,
  type: string,
  reason: string,
  cure: (cluster: SimulatedCluster) => void,
): void => {
  cluster.run(8);
  expect(told(cluster, type)).toBe(`False ${reason}`);
  expect(told(cluster, 'Degraded')).toBe(`True ${reason}`);
  expect(told(cluster, 'Ready')).toBe(`False ${reason}`);
  expect(cluster.resource.status?.phase).toBe('Degraded');
  cure(cluster);
  cluster.tick(400);
  cluster.run();
  expect(told(cluster, 'Ready')).toBe('True Serving');
  expect(isEmptyPlan(cluster.step(), cluster)).toBe(true);
};

const external: MovieTicketingSpecInput = {
  database: { external: { host: 'db.example.com', credentialsSecretRef: { name: 'login' } } },
};
const login = givenObject('Secret', 'login', { username: 'app', password: 'the-login-password' });

describe('what others have to give', () => {
  test('when the login of an external database is missing, then it is asked for', () => {
    const cluster = clusterOf(external);
    expectTrouble(cluster, 'DatabaseReady', 'SecretMissing', ({ others }) => {
      others.set('Secret/login', login);
    });
  });

  test('when the login lacks its password, then the key is named', () => {
    const cluster = clusterOf(external);
    cluster.others.set('Secret/login', givenObject('Secret', 'login', { username: 'app' }));
    expectTrouble(cluster, 'DatabaseReady', 'SecretInvalid', ({ others }) => {
      others.set('Secret/login', login);
    });
  });

  test('when an external database is not there, then it says so and heals', () => {
    const cluster = clusterOf(external);
    cluster.others.set('Secret/login', login);
    cluster.jobFailure.set('migrations', { exitCode: 4, message: 'Cannot connect' });
    expectTrouble(cluster, 'DatabaseReady', 'DatabaseUnreachable', ({ jobFailure }) => {
      jobFailure.clear();
    });
  });

  test('when the administrator’s Secret is missing, then services wait for it', () => {
    const cluster = clusterOf({ adminSecretRef: { name: 'boss' } });
    expectTrouble(cluster, 'ServicesReady', 'SecretMissing', ({ others }) => {
      const data = { email: 'boss@example.com', password: 'a-long-password' };
      others.set('Secret/boss', givenObject('Secret', 'boss', data));
    });
  });

  test('when the certificate is missing, then the gateway waits for it', () => {
    const cluster = clusterOf({ gateway: { tls: { secretName: 'cert' } } });
    expectTrouble(cluster, 'GatewayReady', 'SecretMissing', ({ others }) => {
      const data = { 'tls.crt': 'certificate', 'tls.key': 'a-private-key' };
      others.set('Secret/cert', givenObject('Secret', 'cert', data));
    });
    expect(cluster.resource.status?.url).toBe('https://10.0.0.1:30080');
  });

  test('when the ConfigMap to seed from is missing, then seeding waits for it', () => {
    const cluster = clusterOf({ seed: { mode: 'configMap', configMapRef: { name: 'data' } } });
    expectTrouble(cluster, 'Seeded', 'ConfigMapMissing', ({ others }) => {
      const data = { 'movies.json': '[]', 'theaters.json': '[]' };
      others.set('ConfigMap/data', givenObject('ConfigMap', 'data', data));
    });
  });

  test('when the ConfigMap held nonsense, then its correction seeds at once', () => {
    const cluster = clusterOf({ seed: { mode: 'configMap', configMapRef: { name: 'data' } } });
    const files = (movies: string) => ({ 'movies.json': movies, 'theaters.json': '[]' });
    cluster.others.set('ConfigMap/data', givenObject('ConfigMap', 'data', files('{')));
    cluster.jobFailure.set('seed', { exitCode: 1, message: 'movies.json cannot be read' });
    cluster.run(8);
    expect(told(cluster, 'Seeded')).toBe('False SeedFailed');
    cluster.jobFailure.clear();
    cluster.others.set('ConfigMap/data', givenObject('ConfigMap', 'data', files('[]')));
    cluster.run(8);
    expect(told(cluster, 'Ready')).toBe('True Serving');
  });
});

describe('what the cluster refuses', () => {
  test.each([
    ['postgres', 'DatabaseReady'],
    ['migrations', 'MigrationsApplied'],
    ['seed', 'Seeded'],
    ['catalog', 'ServicesReady'],
    ['gateway', 'GatewayReady'],
  ])('when the image of %s cannot be pulled, then it says which, and heals', (component, type) => {
    const cluster = clusterOf({ seed: { mode: 'demo' } });
    cluster.waiting.set(component, { reason: 'ErrImagePull', message: 'not found' });
    expectTrouble(cluster, type, 'ImagePullFailed', ({ waiting }) => {
      waiting.clear();
    });
  });

  test('when the quota is used up, then it says so', () => {
    const cluster = clusterOf();
    cluster.waiting.set('postgres', { reason: 'ContainerCreating', message: '' });
    const refused = {
      message: 'statefulsets "shop-postgres" is forbidden: exceeded quota: few',
      status: 403,
    };
    cluster.applyErrors.set('StatefulSet/shop-postgres', refused);
    expectTrouble(cluster, 'DatabaseReady', 'QuotaExceeded', ({ applyErrors, waiting }) => {
      applyErrors.clear();
      waiting.clear();
    });
  });

  test('when pods are refused and none is there, then the warning of their workload is told', () => {
    const cluster = clusterOf();
    cluster.step();
    cluster.step();
    const observed = cluster.observe();
    expect(observed.children.has('StatefulSet/shop-postgres')).toBe(true);
    cluster.waiting.set('postgres', { reason: 'ContainerCreating', message: '' });
    cluster.applyErrors.clear();
    cluster.warnings.push({
      child: 'StatefulSet/shop-postgres',
      reason: 'FailedCreate',
      message: 'create Pod shop-postgres-0 failed: pods "x" is forbidden: exceeded quota: few',
      at: '2026-03-01T00:00:00Z',
    });
    const plan = cluster.step();
    // Its pod is there in this cluster: the warning is old news.
    expect(JSON.stringify(plan.status)).not.toContain('exceeded quota');
  });

  test('when the port is taken, then it says what to change', () => {
    const cluster = installed();
    const refused = {
      message: 'spec.ports[0].nodePort: Invalid value: 30080: provided port is already allocated',
      status: 422,
    };
    cluster.applyErrors.set('Service/shop-gateway', refused);
    cluster.remove('Service/shop-gateway');
    cluster.step();
    expect(told(cluster, 'GatewayReady')).toBe('False NodePortTaken');
    expect(cluster.condition('GatewayReady')?.message).toContain('spec.gateway.service.nodePort');
  });

  test('when a right was withdrawn, then it says so, wherever the object belongs', () => {
    const cluster = installed();
    cluster.applyErrors.set('NetworkPolicy/shop-users', { message: 'forbidden', status: 403 });
    cluster.step();
    expect(told(cluster, 'Degraded')).toBe('True OperatorForbidden');
  });

  test('when a pod of Postgres is stuck on a bad template, then it is deleted after the fix', () => {
    const cluster = installed();
    cluster.waiting.set('postgres', { reason: 'ErrImagePull', message: 'no' });
    cluster.respec({ database: { managed: { image: 'postgres:nonsense' } } });
    cluster.run(5);
    expect(told(cluster, 'DatabaseReady')).toBe('False ImagePullFailed');
    cluster.plans.length = 0;
    cluster.waiting.clear();
    cluster.respec({ database: { managed: { image: 'postgres:17' } } });
    cluster.run();
    const deleted = cluster.plans.flatMap((plan) => plan.delete);
    expect(deleted).toEqual([
      { apiVersion: 'v1', kind: 'Pod', name: 'shop-postgres-0', uid: expect.any(String) },
    ]);
    expect(told(cluster, 'Ready')).toBe('True Serving');
  });
});

describe('what is not ours', () => {
  test('when a name is taken, then it says by whom and touches nothing', () => {
    const cluster = clusterOf();
    cluster.others.set('Service/shop-postgres', {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'shop-postgres', labels: { 'app.kubernetes.io/managed-by': 'Helm' } },
    });
    const plan = cluster.step();
    expect([plan.create, plan.apply, plan.delete]).toEqual([[], [], []]);
    expect(told(cluster, 'Ready')).toBe('False NameTaken');
    expect(cluster.condition('Ready')?.message).toContain('what Helm manages');
    cluster.others.clear();
    cluster.run();
    expect(told(cluster, 'Ready')).toBe('True Serving');
  });
});

describe('data and their password', () => {
  test('when the password is gone beside a volume, then none is made blindly', () => {
    const cluster = installed();
    const secret = cluster.objects.get('Secret/shop-database');
    cluster.objects.delete('Secret/shop-database');
    cluster.plans.length = 0;
    cluster.run(5);
    expect(cluster.plans.flatMap(({ create }) => create)).toEqual([]);
    expect(told(cluster, 'DatabaseReady')).toBe('False PasswordLost');
    if (secret !== undefined) cluster.objects.set('Secret/shop-database', secret);
    cluster.run();
    expect(told(cluster, 'Ready')).toBe('True Serving');
  });

  test('when the volume is deleted while in use, then it is said before the data go; an empty database takes its place', () => {
    const cluster = installed();
    const key = 'PersistentVolumeClaim/shop-postgres';
    const volume = cluster.objects.get(key)!;
    const going = { ...volume.metadata, deletionTimestamp: '2026-03-01T01:00:00Z' };
    cluster.objects.set(key, { ...volume, metadata: going });
    cluster.run(5);
    expect(told(cluster, 'DatabaseReady')).toBe('True DatabaseAccepting');
    expect(told(cluster, 'Degraded')).toBe('True VolumeDeleted');
    cluster.remove(key); // the pod has ended
    cluster.run();
    expect(told(cluster, 'Ready')).toBe('True Serving');
    expect(cluster.objects.get(key)?.metadata.uid).not.toBe(volume.metadata.uid);
  });

  test('when a resource is made anew, then it takes the kept volume and password over', () => {
    const first = installed({ database: { managed: { storage: { size: '20Gi' } } } });
    const second = makeSimulatedCluster(resourceOf({}, { uid: 'uid-second' }));
    for (const key of ['Secret/shop-database', 'PersistentVolumeClaim/shop-postgres'] as const) {
      const kept = first.objects.get(key);
      expect(kept?.metadata.ownerReferences).toBeUndefined();
      if (kept !== undefined) second.objects.set(key, kept);
    }
    second.run();
    expect(told(second, 'Ready')).toBe('True Serving');
    expect(second.objects.get('Secret/shop-database')?.['data']).toEqual(
      first.objects.get('Secret/shop-database')?.['data'],
    );
    expect(second.objects.get('PersistentVolumeClaim/shop-postgres')?.['spec']).toMatchObject({
      resources: { requests: { storage: '20Gi' } },
    });
  });

  test('when the policy is Delete, then data have an owner, and with Retain none again', () => {
    const cluster = installed({ database: { managed: { reclaimPolicy: 'Delete' } } });
    const owners = () =>
      ['Secret/shop-database', 'PersistentVolumeClaim/shop-postgres'].map(
        (key) =>
          cluster.objects.get(key as 'Secret/shop-database')?.metadata.ownerReferences?.length ?? 0,
      );
    expect(owners()).toEqual([1, 1]);
    cluster.respec({});
    cluster.run();
    expect(owners()).toEqual([0, 0]);
  });

  test('when the administrator’s Secret is deleted, then another account is made with a new one', () => {
    const cluster = installed();
    const before = cluster.objects.get('Secret/shop-admin')?.['data'];
    cluster.remove('Secret/shop-admin');
    cluster.run();
    const after = cluster.objects.get('Secret/shop-admin')?.['data'] as { email: string };
    expect(after.email).not.toBe((before as { email: string }).email);
    expect(told(cluster, 'Ready')).toBe('True Serving');
  });
});

describe('standing still', () => {
  test.each(['spec', 'annotation'])('when it is paused by %s, then nothing is done', (by) => {
    const cluster = installed();
    const { resource } = cluster;
    if (by === 'spec') cluster.respec({ paused: true });
    else {
      const annotations = { [pausedAnnotation]: 'true' };
      cluster.resource = { ...resource, metadata: { ...resource.metadata, annotations } };
    }
    cluster.remove('Deployment/shop-users');
    const plan = cluster.step();
    expect([plan.create, plan.apply, plan.delete]).toEqual([[], [], []]);
    expect(cluster.resource.status).toMatchObject({ phase: 'Paused', version: '1.0.0' });
    expect(isEmptyPlan(cluster.step(), cluster)).toBe(true);
    cluster.resource = { ...cluster.resource, metadata: resource.metadata, spec: resource.spec };
    cluster.run();
    expect(cluster.resource.status?.phase).toBe('Running');
  });

  test('when it is being deleted, then nothing is made again', () => {
    const cluster = installed();
    cluster.resource = {
      ...cluster.resource,
      metadata: { ...cluster.resource.metadata, deletionTimestamp: '2026-03-01T01:00:00Z' },
    };
    cluster.remove('Deployment/shop-users');
    const plan = cluster.step();
    expect([plan.create, plan.apply, plan.delete]).toEqual([[], [], []]);
    expect(cluster.resource.status?.phase).toBe('Deleting');
  });
});
