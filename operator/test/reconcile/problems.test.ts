import { describe, expect, test } from '@jest/globals';

import { pausedAnnotation } from '../../src/objects/labels.ts';
import type { MovieTicketingSpecInput } from '../../src/resource/movie-ticketing.schema.ts';
import { userObject } from '../../testing/example-resource.ts';
import type { KubeObject } from '../../src/runtime/kube-object.ts';
import { clusterOf, installed, conditionOf } from '../../testing/installed-cluster.ts';
import { isEmptyPlan, type SimulatedCluster } from '../../testing/simulated-cluster.ts';

/** Expects the problem in the conditions, removes its cause and expects the recovery. */
const expectProblem = (
  cluster: SimulatedCluster,
  type: string,
  reason: string,
  cure: (cluster: SimulatedCluster) => void,
): void => {
  cluster.run(8);
  expect(conditionOf(cluster, type)).toBe(`False ${reason}`);
  expect(conditionOf(cluster, 'Degraded')).toBe(`True ${reason}`);
  expect(conditionOf(cluster, 'Ready')).toBe(`False ${reason}`);
  expect(cluster.resource.status?.phase).toBe('Degraded');
  cure(cluster);
  cluster.tick(400);
  cluster.run();
  expect(conditionOf(cluster, 'Ready')).toBe('True Serving');
  expect(isEmptyPlan(cluster.step(), cluster)).toBe(true);
};

const external: MovieTicketingSpecInput = {
  database: { external: { host: 'db.example.com', credentialsSecretRef: { name: 'login' } } },
};
const login = userObject('Secret', 'login', { username: 'app', password: 'the-login-password' });

describe('objects that the spec references', () => {
  test('a missing login of an external database is reported', () => {
    const cluster = clusterOf(external);
    expectProblem(cluster, 'DatabaseReady', 'SecretMissing', ({ others }) => {
      others.set('Secret/login', login);
    });
  });

  test('a login without a password is reported with the missing key', () => {
    const cluster = clusterOf(external);
    cluster.others.set('Secret/login', userObject('Secret', 'login', { username: 'app' }));
    expectProblem(cluster, 'DatabaseReady', 'SecretInvalid', ({ others }) => {
      others.set('Secret/login', login);
    });
  });

  test('an unreachable external database is reported and recovers', () => {
    const cluster = clusterOf(external);
    cluster.others.set('Secret/login', login);
    cluster.jobFailure.set('migrations', { exitCode: 4, message: 'Cannot connect' });
    expectProblem(cluster, 'DatabaseReady', 'DatabaseUnreachable', ({ jobFailure }) => {
      jobFailure.clear();
    });
  });

  test('services wait for a missing administrator Secret', () => {
    const cluster = clusterOf({ adminSecretRef: { name: 'boss' } });
    expectProblem(cluster, 'ServicesReady', 'SecretMissing', ({ others }) => {
      const data = { email: 'boss@example.com', password: 'a-long-password' };
      others.set('Secret/boss', userObject('Secret', 'boss', data));
    });
  });

  test('the gateway waits for a missing certificate', () => {
    const cluster = clusterOf({ gateway: { tls: { secretName: 'cert' } } });
    expectProblem(cluster, 'GatewayReady', 'SecretMissing', ({ others }) => {
      const data = { 'tls.crt': 'certificate', 'tls.key': 'a-private-key' };
      others.set('Secret/cert', userObject('Secret', 'cert', data));
    });
    expect(cluster.resource.status?.url).toBe('https://10.0.0.1:30080');
  });

  test('seeding waits for a missing ConfigMap', () => {
    const cluster = clusterOf({ seed: { mode: 'configMap', configMapRef: { name: 'data' } } });
    expectProblem(cluster, 'Seeded', 'ConfigMapMissing', ({ others }) => {
      const data = { 'movies.json': '[]', 'theaters.json': '[]' };
      others.set('ConfigMap/data', userObject('ConfigMap', 'data', data));
    });
  });

  test('a corrected ConfigMap is seeded at once', () => {
    const cluster = clusterOf({ seed: { mode: 'configMap', configMapRef: { name: 'data' } } });
    const files = (movies: string) => ({ 'movies.json': movies, 'theaters.json': '[]' });
    cluster.others.set('ConfigMap/data', userObject('ConfigMap', 'data', files('{')));
    cluster.jobFailure.set('seed', { exitCode: 1, message: 'movies.json cannot be read' });
    cluster.run(8);
    expect(conditionOf(cluster, 'Seeded')).toBe('False SeedFailed');
    cluster.jobFailure.clear();
    cluster.others.set('ConfigMap/data', userObject('ConfigMap', 'data', files('[]')));
    cluster.run(8);
    expect(conditionOf(cluster, 'Ready')).toBe('True Serving');
  });
});

describe('problems of the cluster', () => {
  test.each([
    ['postgres', 'DatabaseReady'],
    ['migrations', 'MigrationsApplied'],
    ['seed', 'Seeded'],
    ['catalog', 'ServicesReady'],
    ['gateway', 'GatewayReady'],
  ])('an image of %s that cannot be pulled is reported and recovers', (component, type) => {
    const cluster = clusterOf({ seed: { mode: 'demo' } });
    cluster.waiting.set(component, { reason: 'ErrImagePull', message: 'not found' });
    expectProblem(cluster, type, 'ImagePullFailed', ({ waiting }) => {
      waiting.clear();
    });
  });

  test('an exhausted quota is reported', () => {
    const cluster = clusterOf();
    cluster.waiting.set('postgres', { reason: 'ContainerCreating', message: '' });
    const refused = {
      message: 'statefulsets "shop-postgres" is forbidden: exceeded quota: few',
      status: 403,
    };
    cluster.refusals.set('StatefulSet/shop-postgres', refused);
    expectProblem(cluster, 'DatabaseReady', 'QuotaExceeded', ({ refusals, waiting }) => {
      refusals.clear();
      waiting.clear();
    });
  });

  test('a warning about a workload that has pods is ignored', () => {
    const cluster = clusterOf();
    cluster.step();
    cluster.step();
    const observed = cluster.observe();
    expect(observed.owned.has('StatefulSet/shop-postgres')).toBe(true);
    cluster.waiting.set('postgres', { reason: 'ContainerCreating', message: '' });
    cluster.refusals.clear();
    cluster.warnings.push({
      object: 'StatefulSet/shop-postgres',
      reason: 'FailedCreate',
      message: 'create Pod shop-postgres-0 failed: pods "x" is forbidden: exceeded quota: few',
      at: '2026-03-01T00:00:00Z',
    });
    const plan = cluster.step();
    // Its pod exists: the warning is outdated.
    expect(JSON.stringify(plan.status)).not.toContain('exceeded quota');
  });

  test('a taken node port is reported with the field to change', () => {
    const cluster = installed();
    const refused = {
      message: 'spec.ports[0].nodePort: Invalid value: 30080: provided port is already allocated',
      status: 422,
    };
    cluster.refusals.set('Service/shop-gateway', refused);
    cluster.remove('Service/shop-gateway');
    cluster.step();
    expect(conditionOf(cluster, 'GatewayReady')).toBe('False NodePortTaken');
    expect(cluster.condition('GatewayReady')?.message).toContain('spec.gateway.service.nodePort');
  });

  test('a missing right is reported for an object of any component', () => {
    const cluster = installed();
    const message =
      'networkpolicies "shop-users" is forbidden: User "operator" cannot patch resource "networkpolicies"';
    cluster.refusals.set('NetworkPolicy/shop-users', { message, status: 403 });
    cluster.step();
    expect(conditionOf(cluster, 'Degraded')).toBe('True OperatorForbidden');
  });

  test('an object refused by admission is not reported as a missing right', () => {
    const cluster = installed();
    const message =
      'persistentvolumeclaims "shop-postgres" is forbidden: only dynamically provisioned pvc can be resized';
    cluster.refusals.set('PersistentVolumeClaim/shop-postgres', { message, status: 403 });
    cluster.step();
    expect(conditionOf(cluster, 'Degraded')).toBe('True ApplyRefused');
    expect(cluster.condition('Degraded')?.message).toContain('can be resized');
  });

  test('an unready pod of another owner with our labels is not deleted', () => {
    const cluster = installed();
    const theirs = cluster.pods.find(({ metadata }) => metadata.name === 'shop-postgres-0')!;
    (cluster.pods as KubeObject[]).push({
      ...theirs,
      metadata: {
        name: 'theirs',
        namespace: 'cinema',
        uid: 'uid-theirs',
        labels: { ...theirs.metadata.labels!, 'controller-revision-hash': 'another' },
      },
      status: { conditions: [{ type: 'Ready', status: 'False' }] },
    });
    cluster.plans.length = 0;
    cluster.run(3);
    expect(cluster.plans.flatMap((plan) => plan.delete)).toEqual([]);
  });

  test('a generated Secret that the spec references is not pruned', () => {
    const cluster = installed();
    cluster.respec({ adminSecretRef: { name: 'shop-admin' } });
    cluster.run(5);
    expect(cluster.objects.has('Secret/shop-admin')).toBe(true);
  });

  test('a database pod that never started is deleted after its image was corrected', () => {
    const cluster = clusterOf({ database: { managed: { image: 'postgres:nonsense' } } });
    for (const component of ['postgres', 'postgres-check']) {
      cluster.waiting.set(component, { reason: 'ErrImagePull', message: 'no' });
    }
    cluster.run(5);
    expect(conditionOf(cluster, 'DatabaseReady')).toBe('False ImagePullFailed');
    cluster.plans.length = 0;
    cluster.waiting.clear();
    cluster.respec({ database: { managed: { image: 'postgres:17' } } });
    cluster.run();
    const deleted = cluster.plans
      .flatMap((plan) => plan.delete)
      .filter(({ kind }) => kind === 'Pod');
    expect(deleted).toEqual([
      { apiVersion: 'v1', kind: 'Pod', name: 'shop-postgres-0', uid: expect.any(String) },
    ]);
    expect(conditionOf(cluster, 'Ready')).toBe('True Serving');
  });
});

describe('objects of others', () => {
  test('a taken name is reported with its owner, and nothing is written', () => {
    const cluster = clusterOf();
    cluster.others.set('Service/shop-postgres', {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'shop-postgres', labels: { 'app.kubernetes.io/managed-by': 'Helm' } },
    });
    const plan = cluster.step();
    expect([plan.create, plan.apply, plan.delete]).toEqual([[], [], []]);
    expect(conditionOf(cluster, 'Ready')).toBe('False NameTaken');
    expect(cluster.condition('Ready')?.message).toContain('managed by Helm');
    cluster.others.clear();
    cluster.run();
    expect(conditionOf(cluster, 'Ready')).toBe('True Serving');
  });
});

describe('an inactive resource', () => {
  test.each(['spec', 'annotation'])('nothing is written while paused by %s', (by) => {
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

  test('nothing is created while the resource is being deleted', () => {
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
