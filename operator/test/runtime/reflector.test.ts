import { afterAll, afterEach, describe, expect } from '@jest/globals';
import { testIf } from '@movie-ticketing/kit/testing/skippable';
import { Registry } from '@movie-ticketing/kit/metrics';
import { hasReason } from '../../src/runtime/kube-error.ts';
import { refOf } from '../../src/runtime/kube-object.ts';
import { makeControllerMetrics } from '../../src/runtime/metrics.ts';
import { Reflector, type ReflectorOptions } from '../../src/runtime/reflector.ts';
import { hasApiServer, lacksApiServer, startApiServer } from '../../testing/api-server.ts';
import { installCrd } from '../../testing/crd.ts';
import {
  configMap,
  configMaps,
  recordingLogger,
  silentLogger,
  until,
  withScene,
  type Scene,
} from '../../testing/runtime-scene.ts';

// Without a watch cache the API server forgets old versions as soon as etcd is compacted.
const api = hasApiServer ? await startApiServer({ watchCache: false }) : undefined;
afterAll(() => api?.stop());

const started: Reflector[] = [];
afterEach(async () => {
  await Promise.all(started.splice(0).map((one) => one.stop()));
});

const test = (title: string, run: (scene: Scene) => Promise<void>): void => {
  testIf(hasApiServer, lacksApiServer)(
    title,
    () =>
      withScene(api!, async (scene) => {
        await run(scene);
        await Promise.all(started.splice(0).map((one) => one.stop()));
      }),
    90_000,
  );
};

const reflect = (scene: Scene, { pace, ...options }: Partial<ReflectorOptions> = {}) => {
  const changes: string[] = [];
  const reflector = new Reflector({
    client: scene.client,
    kind: configMaps,
    namespace: scene.namespace,
    logger: silentLogger(),
    metrics: makeControllerMetrics(new Registry()),
    pace: { backoff: { baseMs: 10, capMs: 100 }, ...pace },
    onChange: (key, object, before) => {
      const change = object === undefined ? 'gone' : before === undefined ? 'new' : 'changed';
      changes.push(`${change} ${key.split('/')[1] ?? ''}`);
    },
    ...options,
  });
  started.push(reflector);
  reflector.start();
  return { reflector, changes };
};

const lists = (scene: Scene): number =>
  scene.proxy.seen.filter((one) => one.includes('limit=')).length;
const watches = (scene: Scene): number =>
  scene.proxy.seen.filter((one) => one.includes('watch=true')).length;

describe('the reflector', () => {
  test('reports created, changed and deleted objects', async (scene) => {
    const { direct, namespace } = scene;
    await direct.apply(configMap(namespace, 'old', {}, { mine: 'yes' }));
    await direct.apply(configMap(namespace, 'unlabelled'));
    const { reflector, changes } = reflect(scene, { labelSelector: 'mine' });
    expect(reflector.hasSynced()).toBe(false);
    await until('synced', () => reflector.hasSynced());
    expect(changes).toEqual(['new old']);
    await direct.apply(configMap(namespace, 'next', {}, { mine: 'yes' }));
    await until('seen', () => changes.includes('new next'));
    await direct.apply(configMap(namespace, 'next', { x: '1' }, { mine: 'very' }));
    await until('changed', () => changes.includes('changed next'));
    const { labels } = reflector.list().find(({ metadata }) => metadata.name === 'next')!.metadata;
    expect(labels).toEqual({ mine: 'very' });
    await direct.delete({ ...configMaps, namespace, name: 'old' });
    await until('gone', () => changes.includes('gone old'));
    // An object that lost the label counts as deleted.
    await direct.apply(configMap(namespace, 'next'));
    await until('gone', () => changes.includes('gone next'));
    expect(reflector.list()).toEqual([]);
    expect(lists(scene)).toBe(1);
  });

  test('resumes a cut watch without a list and misses nothing', async (scene) => {
    const { direct, namespace, proxy } = scene;
    const { reflector, changes } = reflect(scene);
    await until('watching', () => reflector.hasSynced() && watches(scene) === 1);
    for (let round = 0; round < 5; round += 1) {
      proxy.cut();
      await direct.apply(configMap(namespace, `c${String(round)}`));
      await until('seen', () => changes.includes(`new c${String(round)}`));
    }
    expect(lists(scene)).toBe(1);
    expect(changes).toHaveLength(5);
  });

  test('lists again after its version has expired and reports only changes', async (scene) => {
    const { direct, namespace, proxy } = scene;
    await direct.apply(configMap(namespace, 'same'));
    await direct.apply(configMap(namespace, 'doomed'));
    const { reflector, changes } = reflect(scene);
    await until('watching', () => reflector.hasSynced() && watches(scene) === 1);
    proxy.fault = (what) => (what.includes('watch=true') ? 'cut' : undefined);
    proxy.cut();
    await direct.delete({ ...configMaps, namespace, name: 'doomed' });
    await direct.apply(configMap(namespace, 'fresh'));
    await api!.compact();
    proxy.fault = () => undefined;
    await until(
      'the changes are seen',
      () => changes.includes('gone doomed') && changes.includes('new fresh'),
    );
    expect(changes.sort()).toEqual(['gone doomed', 'new doomed', 'new fresh', 'new same']);
    expect(lists(scene)).toBe(2);
  });

  test('continues after a restart of the API server', async (scene) => {
    const { direct, namespace } = scene;
    const { reflector, changes } = reflect(scene);
    await until('synced', () => reflector.hasSynced());
    await api!.restart();
    await direct.apply(configMap(namespace, 'after'));
    await until('seen', () => changes.includes('new after'));
  });

  test('retries until refused requests succeed', async (scene) => {
    const { direct, namespace, proxy } = scene;
    const faults = [{ status: 403 }, { status: 429, retryAfter: 0 }, { status: 500 }];
    let asked = 0;
    proxy.fault = () => (asked < 12 ? faults[asked++ % 3] : undefined);
    const { reflector, changes } = reflect(scene);
    await until('synced', () => reflector.hasSynced());
    expect(asked).toBe(12);
    await direct.apply(configMap(namespace, 'a'));
    await until('seen', () => changes.includes('new a'));
  });

  test('logs once and waits with back-off while the CRD is missing, and continues when it is back', async (scene) => {
    const { direct, namespace, proxy } = scene;
    const { lines, logger } = recordingLogger();
    await installCrd(api!.kubeconfig);
    const tickets = { apiVersion: 'movieticketing.io/v1', kind: 'MovieTicketing' };
    const { reflector, changes } = reflect(scene, { kind: tickets, logger });
    await until('watching', () => reflector.hasSynced() && watches(scene) === 1);

    const crd = { apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition' };
    await direct.delete({ ...crd, name: 'movieticketings.movieticketing.io' });
    const isRefused = async (): Promise<boolean> =>
      direct.list(tickets, { namespace }).then(
        () => false,
        (error: unknown) => hasReason(error, 'KindNotServed'),
      );
    await until('the CRD is gone', isRefused);
    proxy.cut();
    const before = lists(scene);
    await until('five retries', () => lists(scene) >= before + 5);
    const warnings = lines.filter(
      ({ level, error }) => level === 'warn' && error?.message.includes('KindNotServed'),
    );
    expect(warnings).toHaveLength(1);
    expect(warnings[0]?.error).not.toHaveProperty('stack');

    await installCrd(api!.kubeconfig);
    await direct.apply({ ...tickets, metadata: { name: 'cinema', namespace } });
    await until('seen', () => changes.includes('new cinema'));
    expect(lines.at(-1)?.message).toBe('list/watch works again');
  });

  test('restarts a silent watch without a list', async (scene) => {
    const { direct, namespace, proxy } = scene;
    let hung = 0;
    proxy.fault = (what) => (what.includes('watch=true') && hung++ < 3 ? 'hang' : undefined);
    const { changes } = reflect(scene, { pace: { idleTimeoutMs: 200 } });
    await until('watching', () => watches(scene) > 3);
    await direct.apply(configMap(namespace, 'a'));
    await until('seen', () => changes.includes('new a'));
    expect(lists(scene)).toBe(1);
  });

  test('keeps a watch that receives events', async (scene) => {
    const { direct, namespace } = scene;
    const { reflector } = reflect(scene, { pace: { idleTimeoutMs: 2_000 } });
    await until('watching', () => reflector.hasSynced() && watches(scene) === 1);
    const began = performance.now();
    for (let count = 0; performance.now() < began + 3_000; count += 1)
      await direct.apply(configMap(namespace, 'a', { count: String(count) }));
    expect(watches(scene)).toBe(1);
  });

  test('resumes a watch that the server ended, and lists when a list is due', async (scene) => {
    const { direct, namespace } = scene;
    const { reflector, changes } = reflect(scene, { pace: { watchSeconds: 1, relistMs: 3_000 } });
    await until('resumed', () => watches(scene) >= 2);
    expect(lists(scene)).toBe(1);
    await direct.apply(configMap(namespace, 'a'));
    await until('listed', () => lists(scene) >= 2);
    await until('seen', () => changes.includes('new a'));
    expect(changes).toEqual(['new a']);
    expect(reflector.lastEventAgeMs()).toBeLessThan(20_000);
  });

  test('reports the next change after a callback has thrown', async (scene) => {
    const { direct, namespace } = scene;
    const seen: string[] = [];
    const onChange = (key: string): void => {
      seen.push(key);
      throw new Error('a bug');
    };
    const { reflector } = reflect(scene, { onChange });
    await until('synced', () => reflector.hasSynced());
    await direct.apply(configMap(namespace, 'a'));
    await direct.apply(configMap(namespace, 'b'));
    await until('both', () => seen.length === 2);
    expect(reflector.list()).toHaveLength(2);
  });

  test('never receives the data of Secrets', async (scene) => {
    const { client, direct, namespace, proxy } = scene;
    const secrets = { apiVersion: 'v1', kind: 'Secret' };
    const secretOf = (value: string) => ({
      ...secrets,
      metadata: { name: 's', namespace, annotations: { note: 'large' } },
      data: { password: Buffer.from(value).toString('base64') },
    });
    await direct.apply(secretOf('seen-by-a-list!'));
    const { reflector, changes } = reflect(scene, { kind: secrets });
    await until('watching', () => reflector.hasSynced() && watches(scene) === 1);
    await direct.apply(secretOf('seen-by-a-watch'));
    await until('changed', () => changes.includes('changed s'));
    await direct.delete(refOf(secretOf('')));
    await until('gone', () => changes.includes('gone s'));
    expect(changes).toEqual(['new s', 'changed s', 'gone s']);
    expect(proxy.answered).toContain(namespace);
    expect(proxy.answered).not.toContain('c2Vlbi1ieS1');

    // Control: a plain list and a plain watch do return the data.
    const { resourceVersion } = await client.list(secrets, { namespace });
    await direct.apply(secretOf('seen-by-a-watch'));
    const options = { namespace, resourceVersion, timeoutSeconds: 5, idleTimeoutMs: 5_000 };
    const signal = AbortSignal.timeout(5_000);
    for await (const { object } of client.watch(secrets, { ...options, signal })) {
      expect(object).toHaveProperty('data.password');
      break;
    }
    await client.list(secrets, { namespace });
    expect(proxy.answered.match(/c2Vlbi1ieS1/g)).toHaveLength(2);
  });

  test('keeps the kind and metadata of objects, without annotations and managed fields', async (scene) => {
    const { direct, namespace } = scene;
    const { metadata, ...rest } = configMap(namespace, 'a', { x: '1' });
    await direct.apply({ ...rest, metadata: { ...metadata, annotations: { note: 'x' } } });
    const { reflector, changes } = reflect(scene);
    await until('synced', () => reflector.hasSynced());
    await direct.apply(configMap(namespace, 'b'));
    await until('seen', () => changes.includes('new b'));
    for (const object of reflector.list()) {
      expect(object).toMatchObject({ ...configMaps, metadata: { uid: expect.any(String) } });
      expect(Object.keys(object)).toEqual(['apiVersion', 'kind', 'metadata']);
      expect(object.metadata).not.toHaveProperty('annotations');
      expect(object.metadata).not.toHaveProperty('managedFields');
    }
  });
});
