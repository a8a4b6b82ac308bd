import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import { appliedAnnotation } from '../../src/objects/labels.ts';
import { nextRefusals, retryDelayMs, type Refusals } from '../../src/reconcile/refusal-memory.ts';
import { conditionOf, installed } from '../../testing/installed-cluster.ts';
import type { SimulatedCluster } from '../../testing/simulated-cluster.ts';

const key = 'Service/shop-gateway';
const message = 'spec.ports[0].nodePort: Invalid value: 30080: provided port is already allocated';

const hashOf = (cluster: SimulatedCluster): string =>
  cluster.objects.get(key)?.metadata.annotations?.[appliedAnnotation] ?? '';

describe('a refused object', () => {
  test('is not sent again before its time, and then it is', () => {
    const cluster = installed();
    const { now } = cluster.observe();
    const at = new Date(now.getTime() + 8_000);
    const retry = { manifestHash: hashOf(cluster), failures: 4, at };
    cluster.remove(key);
    cluster.refusals.set(key, { message, status: 422, retry });
    const plan = cluster.step();
    expect(plan.apply).toEqual([]);
    expect(plan.withheld).toEqual([key]);
    expect(plan.requeueAfterMs).toBe(8_000);
    expect(conditionOf(cluster, 'GatewayReady')).toBe('False NodePortTaken');
    cluster.tick(8);
    expect(cluster.step().apply.map(({ metadata }) => metadata.name)).toEqual(['shop-gateway']);
  });

  test('is sent at once when the spec changes it', () => {
    const cluster = installed();
    const at = new Date(cluster.observe().now.getTime() + 60_000);
    const retry = { manifestHash: hashOf(cluster), failures: 9, at };
    cluster.remove(key);
    cluster.refusals.set(key, { message, status: 422, retry });
    cluster.respec({ gateway: { service: { nodePort: 31_000 } } });
    expect(cluster.step().apply.map(({ metadata }) => metadata.name)).toContain('shop-gateway');
  });

  test('waits twice as long after each refusal, up to a minute', () => {
    let refusals: Refusals = new Map();
    const waits: number[] = [];
    let now = new Date(0);
    for (let attempt = 0; attempt < 9; attempt += 1) {
      const refused = new Map([[key, { message, status: 422, manifestHash: 'a' }] as const]);
      refusals = nextRefusals(refusals, refused, [], now);
      const at = refusals.get(key)?.retry?.at ?? now;
      waits.push((at.getTime() - now.getTime()) / 1_000);
      now = at;
    }
    expect(waits).toEqual([1, 2, 4, 8, 16, 32, 60, 60, 60]);
  });

  test('the wait never shrinks and never exceeds a minute', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 10_000 }), (failures) => {
        expect(retryDelayMs(failures + 1)).toBeGreaterThanOrEqual(retryDelayMs(failures));
        expect(retryDelayMs(failures)).toBeLessThanOrEqual(60_000);
      }),
    );
  });

  test('is remembered while it is withheld and forgotten once it was accepted', () => {
    const refused = new Map([[key, { message, status: 422, manifestHash: 'a' }] as const]);
    const first = nextRefusals(new Map(), refused, [], new Date(0));
    expect(nextRefusals(first, new Map(), [key], new Date(1)).get(key)).toEqual(first.get(key));
    expect(nextRefusals(first, new Map(), [], new Date(1)).size).toBe(0);
  });
});

test('nothing is created in a namespace that is being deleted', () => {
  const cluster = installed();
  cluster.remove('Deployment/shop-users');
  cluster.namespaceIsTerminating = true;
  const plan = cluster.step();
  expect([plan.create, plan.apply, plan.delete]).toEqual([[], [], []]);
  expect(cluster.resource.status?.phase).toBe('Deleting');
});

describe('Available', () => {
  test('is True while tickets can be booked, also when an upgrade cannot be pulled', () => {
    const cluster = installed();
    expect(conditionOf(cluster, 'Available')).toBe('True Serving');
    cluster.waiting.set('bookings', { reason: 'ImagePullBackOff', message: 'Back-off' });
    cluster.respec({ version: '6.6.6' });
    cluster.run(8);
    expect(conditionOf(cluster, 'Ready')).toBe('False ImagePullFailed');
    expect(conditionOf(cluster, 'Available')).toBe('True Serving');
  });

  test('is False while the only database pod is down', () => {
    const cluster = installed();
    cluster.waiting.set('postgres', { reason: 'CrashLoopBackOff', message: '' });
    cluster.remove('StatefulSet/shop-postgres');
    cluster.run(4);
    expect(conditionOf(cluster, 'Available')).toBe('False PodCrashing');
  });

  test('is False with zero replicas, although everything is as specified', () => {
    const cluster = installed({ services: { users: { replicas: 0 } } });
    expect(conditionOf(cluster, 'Ready')).toBe('True Serving');
    expect(conditionOf(cluster, 'Available')).toBe('False ScaledToZero');
    expect(cluster.condition('Available')?.message).toContain('users');
  });
});

test('a missing PostgreSQL image is reported before a volume that cannot grow', () => {
  const cluster = installed();
  cluster.refusals.set('PersistentVolumeClaim/shop-postgres', {
    message: 'only dynamically provisioned pvc can be resized',
    status: 403,
  });
  cluster.waiting.set('postgres', { reason: 'ErrImagePull', message: 'no' });
  cluster.remove('StatefulSet/shop-postgres');
  cluster.run(4);
  expect(conditionOf(cluster, 'DatabaseReady')).toBe('False ImagePullFailed');
  expect(conditionOf(cluster, 'Degraded')).toBe('True ImagePullFailed');
  expect(cluster.condition('Degraded')?.message).toContain('can be resized');
});
