import { afterAll, afterEach, describe, expect, jest } from '@jest/globals';
import { Registry } from '@movie-ticketing/kit/metrics';
import { testIf } from '@movie-ticketing/kit/testing/skippable';
import { refuseWritesUnless, type KubeClient } from '../../src/runtime/client.ts';
import { LeaderElection, type Lease } from '../../src/runtime/leader-election.ts';
import { hasApiServer, lacksApiServer, startApiServer } from '../../testing/api-server.ts';
import {
  configMap,
  silentLogger,
  until,
  withScene,
  type Scene,
} from '../../testing/runtime-scene.ts';

const api = hasApiServer ? await startApiServer() : undefined;
afterAll(() => api?.stop());
afterEach(() => {
  jest.restoreAllMocks();
});

const test = (title: string, run: (scene: Scene) => Promise<void>): void => {
  testIf(hasApiServer, lacksApiServer)(title, () => withScene(api!, run));
};

const lease = (namespace: string) => ({
  apiVersion: 'coordination.k8s.io/v1',
  kind: 'Lease',
  namespace,
  name: 'operator',
});

const startCandidate = (
  { namespace }: Scene,
  identity: string,
  client: KubeClient,
  leaseDurationMs: number | 'default' = 3_000, // renewed every 0.4 s, valid for 2 s
) => {
  const reported: string[] = [];
  const election = new LeaderElection({
    client,
    namespace,
    name: 'operator',
    identity,
    logger: silentLogger(),
    onLeading: () => reported.push('leading'),
    onLost: (reason) => reported.push(reason),
    registry: new Registry(),
    ...(leaseDurationMs !== 'default' && { leaseDurationMs }),
  });
  election.start();
  return { election, reported };
};

describe('leader election', () => {
  test('one of two candidates leads, and the other follows as soon as it stops', async (scene) => {
    const a = startCandidate(scene, 'a', scene.client, 15_000);
    await until('a leads', a.election.isLeading);
    const b = startCandidate(scene, 'b', scene.direct, 15_000);
    const held = (await scene.direct.get<Lease>(lease(scene.namespace)))!.spec!;
    expect(held).toMatchObject({ holderIdentity: 'a', leaseTransitions: 0 });
    expect(held.renewTime).toMatch(/\.\d{6}Z$/);
    await until('renewed', async () => {
      const spec = (await scene.direct.get<Lease>(lease(scene.namespace)))!.spec!;
      return spec.renewTime !== held.renewTime && spec.acquireTime === held.acquireTime;
    });
    expect(b.election.isLeading()).toBe(false);
    const began = performance.now();
    await a.election.stop();
    expect(a.election.isLeading()).toBe(false);
    await until('b leads', b.election.isLeading);
    expect(performance.now() - began).toBeLessThan(5_000); // far less than the lease duration of 15 s
    expect(a.reported).toEqual(['leading']);
    const spec = (await scene.direct.get<Lease>(lease(scene.namespace)))!.spec;
    expect(spec).toMatchObject({ holderIdentity: 'b', leaseTransitions: 1 });
    await b.election.stop();
  });

  test('one of ten candidates leads', async (scene) => {
    const all = Array.from({ length: 10 }, (_, index) =>
      startCandidate(scene, `c${String(index)}`, scene.direct),
    );
    await until('one leads', () => all.some(({ election }) => election.isLeading()));
    const renewals = scene.direct.get<Lease>(lease(scene.namespace));
    await renewals;
    expect(all.filter(({ election }) => election.isLeading())).toHaveLength(1);
    await Promise.all(all.map(({ election }) => election.stop()));
    expect(all.flatMap(({ reported }) => reported).every((one) => one === 'leading')).toBe(true);
  });

  test('a leader that is cut off gives up before another candidate leads', async (scene) => {
    const { proxy, client, direct } = scene;
    const a = startCandidate(scene, 'a', client);
    await until('a leads', a.election.isLeading);
    const b = startCandidate(scene, 'b', direct);
    let both = false;
    proxy.fault = () => 'hang';
    await until('b leads', () => {
      if (b.election.isLeading() && a.election.isLeading()) both = true;
      return b.election.isLeading();
    });
    expect(both).toBe(false);
    expect(a.reported).toEqual(['leading', 'the Lease was not renewed in time']);
    await Promise.all([a.election.stop(), b.election.stop()]);
    expect(await direct.get<Lease>(lease(scene.namespace))).toBeDefined();
  });

  test('a killed leader is replaced within 15 s', async (scene) => {
    const { proxy, client, direct } = scene;
    const a = startCandidate(scene, 'a', client, 'default');
    await until('a leads', a.election.isLeading);
    const b = startCandidate(scene, 'b', direct, 'default');
    await until('a renewed', async () => {
      const spec = (await direct.get<Lease>(lease(scene.namespace)))!.spec!;
      return spec.renewTime !== spec.acquireTime;
    });
    const renewals = proxy.seen.length;
    proxy.fault = () => 'hang';
    const began = performance.now();
    await until('b leads', b.election.isLeading, 60_000);
    expect(performance.now() - began).toBeLessThan(15_000);
    expect(renewals).toBeGreaterThan(1);
    await Promise.all([a.election.stop(), b.election.stop()]);
  });

  test('renews the Lease with one request', async (scene) => {
    const { proxy, client } = scene;
    const a = startCandidate(scene, 'a', client);
    await until('a leads', a.election.isLeading);
    proxy.seen.length = 0;
    await until('renewed', () => proxy.seen.length >= 3);
    expect(proxy.seen.every((one) => one.startsWith('PUT '))).toBe(true);
    await a.election.stop();
  });

  test('a leader gives up when another process takes the Lease', async (scene) => {
    const { direct, namespace } = scene;
    const a = startCandidate(scene, 'a', scene.client);
    await until('a leads', a.election.isLeading);
    await until('stolen', async () => {
      const present = (await direct.get<Lease>(lease(namespace)))!;
      const stolen: Lease = { ...present, spec: { ...present.spec, holderIdentity: 'thief' } };
      return direct.update(stolen).then(
        () => true,
        () => false, // renewed meanwhile
      );
    });
    await until('the loss is reported', () => a.reported.length === 2);
    expect(a.reported[1]).toBe('another process holds the Lease');
    expect(a.election.isLeading()).toBe(false);
    await a.election.stop();
    const spec = (await direct.get<Lease>(lease(namespace)))!.spec;
    expect(spec).toMatchObject({ holderIdentity: 'thief' });
  });

  test('a leader keeps leading when the Lease is deleted or changed', async (scene) => {
    const { direct, namespace } = scene;
    const a = startCandidate(scene, 'a', scene.client);
    await until('a leads', a.election.isLeading);
    await direct.delete(lease(namespace));
    await until('there again', async () => (await direct.get(lease(namespace))) !== undefined);
    const { apiVersion, kind, name } = lease(namespace);
    await direct.apply({ apiVersion, kind, metadata: { name, namespace, labels: { by: 'hand' } } });
    const seen = (await direct.get<Lease>(lease(namespace)))!.spec!.renewTime;
    await until('renewed', async () => {
      return (await direct.get<Lease>(lease(namespace)))!.spec!.renewTime !== seen;
    });
    expect(a.reported).toEqual(['leading']);
    await a.election.stop();
  });

  test('a leader that froze past its deadline writes nothing', async (scene) => {
    const { client, direct, namespace, proxy } = scene;
    const a = startCandidate(scene, 'a', client);
    await until('a leads', a.election.isLeading);
    const guarded = refuseWritesUnless(client, a.election.isLeading);
    await guarded.apply(configMap(namespace, 'before'));
    // Control: it was the leader a moment ago, and an unguarded client would write.
    const now = performance.now.bind(performance);
    jest.spyOn(performance, 'now').mockImplementation(() => now() + 2_001);
    await expect(guarded.apply(configMap(namespace, 'after'))).rejects.toMatchObject({
      reason: 'NotLeading',
    });
    expect(proxy.seen.some((one) => one.includes('configmaps/after'))).toBe(false);
    await client.apply(configMap(namespace, 'after'));
    expect(await direct.get({ ...lease(namespace) })).toBeDefined();
    await until('the loss is reported', () => a.reported.length === 2);
    expect(a.election.isLeading()).toBe(false);
    await a.election.stop();
  });

  test('a candidate that stops before it leads reports nothing', async (scene) => {
    const a = startCandidate(scene, 'a', scene.direct);
    await until('a leads', a.election.isLeading);
    const b = startCandidate(scene, 'b', scene.client);
    await b.election.stop();
    expect(b.reported).toEqual([]);
    await a.election.stop();
  });
});
