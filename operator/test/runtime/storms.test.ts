import { afterAll, describe, expect } from '@jest/globals';
import { testIf } from '@movie-ticketing/kit/testing/skippable';
import { refOf } from '../../src/runtime/kube-object.ts';
import { hasApiServer, lacksApiServer, startApiServer } from '../../testing/api-server.ts';
import { configMap, withScene, type Scene } from '../../testing/runtime-scene.ts';

const api = hasApiServer ? await startApiServer() : undefined;
afterAll(() => api?.stop());

const test = (title: string, run: (scene: Scene) => Promise<void>): void => {
  testIf(hasApiServer, lacksApiServer)(title, () => withScene(api!, run));
};

describe('a failing API server', () => {
  test('retries after 429, 500 and a cut connection', async (scene) => {
    const { proxy, client, namespace } = scene;
    const faults = [{ status: 429, retryAfter: 0 }, { status: 500 }, 'cut' as const];
    proxy.fault = () => faults.shift();
    await client.apply(configMap(namespace, 'a', { x: '1' }));
    expect(proxy.seen).toHaveLength(4);
    // Control: with a single attempt the request fails.
    faults.push({ status: 429, retryAfter: 0 });
    const once = client.apply(configMap(namespace, 'a'), { attempts: 1 });
    await expect(once).rejects.toMatchObject({ status: 429 });
  });

  test('waits as long as Retry-After says', async (scene) => {
    const { proxy, client, namespace } = scene;
    const faults = [{ status: 429, retryAfter: 1 }];
    proxy.fault = () => faults.shift();
    const began = performance.now();
    await client.get(refOf(configMap(namespace, 'a')));
    expect(performance.now() - began).toBeGreaterThan(990);
  });

  test('bounds the number of attempts', async (scene) => {
    const { proxy, client, namespace } = scene;
    proxy.fault = () => ({ status: 429, retryAfter: 0 });
    const got = client.get(refOf(configMap(namespace, 'a')), { attempts: 3 });
    await expect(got).rejects.toMatchObject({ status: 429, reason: 'Faulty' });
    expect(proxy.seen).toHaveLength(3);
  });

  test('retries a create after 429, and not when its outcome is unknown', async (scene) => {
    const { proxy, client, direct, namespace } = scene;
    const faults: ({ status: number } | 'cut')[] = [{ status: 429 }];
    proxy.fault = () => faults.shift();
    await client.create(configMap(namespace, 'a'));
    expect(await direct.get(refOf(configMap(namespace, 'a')))).toBeDefined();

    proxy.seen.length = 0;
    faults.push({ status: 500 });
    const created = client.create(configMap(namespace, 'b'));
    await expect(created).rejects.toMatchObject({ status: 500 });
    expect(proxy.seen).toHaveLength(1);
  });

  test('times out a hanging request', async (scene) => {
    const { proxy, client, namespace, registry } = scene;
    proxy.fault = () => 'hang';
    const got = client.get(refOf(configMap(namespace, 'a')), { attempts: 2, timeoutMs: 100 });
    await expect(got).rejects.toMatchObject({ status: 0, reason: 'Timeout' });
    expect(proxy.seen).toHaveLength(2);
    const [metric] = await registry.getMetricsAsJSON();
    expect(metric!.values[0]).toMatchObject({ labels: { code: '<error>' }, value: 2 });
  });

  test('ends a waiting retry when it is aborted', async (scene) => {
    const { proxy, client, namespace } = scene;
    proxy.fault = () => ({ status: 429, retryAfter: 30 });
    const { signal } = stopper(proxy.seen);
    const got = client.get(refOf(configMap(namespace, 'a')), { signal: signal() });
    await expect(got).rejects.toMatchObject({ reason: 'Aborted' });
  });

  test('concurrent applies never conflict, unlike concurrent updates', async (scene) => {
    const { client, namespace } = scene;
    const object = configMap(namespace, 'a', { x: '0' });
    await client.apply(object);
    await Promise.all(
      Array.from({ length: 40 }, (_, index) =>
        client.apply(configMap(namespace, 'a', { x: String(index) })),
      ),
    );
    // Control: these updates do conflict.
    const read = (await client.get(refOf(object)))!;
    const updates = await Promise.allSettled(
      Array.from({ length: 40 }, (_, index) =>
        client.update({ ...read, ...{ data: { x: `u${String(index)}` } } }),
      ),
    );
    const refused = updates.filter((one) => one.status === 'rejected');
    expect(refused).toHaveLength(39);
    for (const one of refused) expect(one.reason).toMatchObject({ reason: 'Conflict' });
  });
});

/** Aborts after the first request. */
const stopper = (seen: string[]) => ({
  signal: (): AbortSignal => {
    const controller = new AbortController();
    const timer = setInterval(() => {
      if (seen.length === 0) return;
      controller.abort();
      clearInterval(timer);
    }, 5);
    return controller.signal;
  },
});
