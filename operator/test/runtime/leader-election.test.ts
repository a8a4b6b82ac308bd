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

const contend = (
  { namespace }: Scene,
  identity: string,
  client: KubeClient,
  leaseDurationMs = 3_000, // renewed every 0.4 s, for 2 s at most
) => {
  const told: string[] = [];
  const election = new LeaderElection({
    client,
    namespace,
    name: 'operator',
    identity,
    logger: silentLogger(),
    onLeading: () => told.push('leading'),
    onLost: (why) => told.push(why),
    registry: new Registry(),
    leaseDurationMs,
  });
  election.start();
  return { election, told };
};

describe('leader election', () => {
  test('when two contend, then one leads; when it stops, then the other leads at once', async (scene) => {
    const a = contend(scene, 'a', scene.client, 15_000);
    await until('a leads', a.election.isLeading);
    const b = contend(scene, 'b', scene.direct, 15_000);
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
    expect(performance.now() - began).toBeLessThan(5_000); // far from the lease's 15 s
    expect(a.told).toEqual(['leading']);
    const spec = (await scene.direct.get<Lease>(lease(scene.namespace)))!.spec;
    expect(spec).toMatchObject({ holderIdentity: 'b', leaseTransitions: 1 });
    await b.election.stop();
  });

  test('when ten start at once, then one leads', async (scene) => {
    const all = Array.from({ length: 10 }, (_, index) =>
      contend(scene, `c${String(index)}`, scene.direct),
    );
    await until('one leads', () => all.some(({ election }) => election.isLeading()));
    const renewals = scene.direct.get<Lease>(lease(scene.namespace));
    await renewals;
    expect(all.filter(({ election }) => election.isLeading())).toHaveLength(1);
    await Promise.all(all.map(({ election }) => election.stop()));
    expect(all.flatMap(({ told }) => told).every((one) => one === 'leading')).toBe(true);
  });

  test('when the leader is cut off, then it counts itself out before another leads', async (scene) => {
    const { proxy, client, direct } = scene;
    const a = contend(scene, 'a', client);
    await until('a leads', a.election.isLeading);
    const b = contend(scene, 'b', direct);
    let both = false;
    proxy.fault = () => 'hang';
    await until('b leads', () => {
      if (b.election.isLeading() && a.election.isLeading()) both = true;
      return b.election.isLeading();
    });
    expect(both).toBe(false);
    expect(a.told).toEqual(['leading', 'the Lease was not renewed in time']);
    await Promise.all([a.election.stop(), b.election.stop()]);
    expect(await direct.get<Lease>(lease(scene.namespace))).toBeDefined();
  });

  test('when the lease is stolen, then the leader says so and leads no more', async (scene) => {
    const { direct, namespace } = scene;
    const a = contend(scene, 'a', scene.client);
    await until('a leads', a.election.isLeading);
    await until('stolen', async () => {
      const present = (await direct.get<Lease>(lease(namespace)))!;
      const stolen: Lease = { ...present, spec: { ...present.spec, holderIdentity: 'thief' } };
      return direct.update(stolen).then(
        () => true,
        () => false, // renewed meanwhile
      );
    });
    await until('told', () => a.told.length === 2);
    expect(a.told[1]).toBe('another process holds the Lease');
    expect(a.election.isLeading()).toBe(false);
    await a.election.stop();
    const spec = (await direct.get<Lease>(lease(namespace)))!.spec;
    expect(spec).toMatchObject({ holderIdentity: 'thief' });
  });

  test('when the lease is deleted or touched, then the leader goes on', async (scene) => {
    const { direct, namespace } = scene;
    const a = contend(scene, 'a', scene.client);
    await until('a leads', a.election.isLeading);
    await direct.delete(lease(namespace));
    await until('there again', async () => (await direct.get(lease(namespace))) !== undefined);
    const { apiVersion, kind, name } = lease(namespace);
    await direct.apply({ apiVersion, kind, metadata: { name, namespace, labels: { by: 'hand' } } });
    const seen = (await direct.get<Lease>(lease(namespace)))!.spec!.renewTime;
    await until('renewed', async () => {
      return (await direct.get<Lease>(lease(namespace)))!.spec!.renewTime !== seen;
    });
    expect(a.told).toEqual(['leading']);
    await a.election.stop();
  });

  test('when a leader froze past its deadline, then it writes nothing when it wakes', async (scene) => {
    const { client, direct, namespace, proxy } = scene;
    const a = contend(scene, 'a', client);
    await until('a leads', a.election.isLeading);
    const guarded = refuseWritesUnless(client, a.election.isLeading);
    await guarded.apply(configMap(namespace, 'before'));
    // Control: asked a moment ago it was the leader, and an unguarded client would write.
    const now = performance.now.bind(performance);
    jest.spyOn(performance, 'now').mockImplementation(() => now() + 2_001);
    await expect(guarded.apply(configMap(namespace, 'after'))).rejects.toMatchObject({
      reason: 'NotLeading',
    });
    expect(proxy.seen.some((one) => one.includes('configmaps/after'))).toBe(false);
    await client.apply(configMap(namespace, 'after'));
    expect(await direct.get({ ...lease(namespace) })).toBeDefined();
    await until('told', () => a.told.length === 2);
    expect(a.election.isLeading()).toBe(false);
    await a.election.stop();
  });

  test('when it stops before it leads, then nothing is told', async (scene) => {
    const a = contend(scene, 'a', scene.direct);
    await until('a leads', a.election.isLeading);
    const b = contend(scene, 'b', scene.client);
    await b.election.stop();
    expect(b.told).toEqual([]);
    await a.election.stop();
  });
});
