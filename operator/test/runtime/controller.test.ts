import { afterAll, describe, expect, test as plainTest } from '@jest/globals';
import { testIf } from '@movie-ticketing/kit/testing/skippable';
import { makeController, type ControllerOptions } from '../../src/runtime/controller.ts';
import { keyOf, pluralOf, splitKey, type KubeObject } from '../../src/runtime/kube-object.ts';
import { hasApiServer, lacksApiServer, startApiServer } from '../../testing/api-server.ts';
import {
  configMap,
  configMaps,
  silentLogger,
  until,
  withScene,
  type Scene,
} from '../../testing/runtime-scene.ts';

const api = hasApiServer ? await startApiServer() : undefined;
afterAll(() => api?.stop());

const test = (title: string, run: (scene: Scene) => Promise<void>): void => {
  testIf(hasApiServer, lacksApiServer)(title, () => withScene(api!, run));
};

const optionsOf = ({ client, namespace, registry }: Scene) => ({
  name: 'test',
  client,
  sources: [{ kind: configMaps, namespace, keysOf: (object: KubeObject) => [keyOf(object)] }],
  backoff: { baseMs: 5, capMs: 1_000 },
  workers: 2,
  logger: silentLogger(),
  registry,
});

const controllerOf = (scene: Scene, reconcile: ControllerOptions['reconcile']) =>
  makeController({ ...optionsOf(scene), reconcile });

describe('the controller', () => {
  test('reconciles a changed object, and retries when that fails', async (scene) => {
    const { direct, namespace, registry } = scene;
    const seen: string[] = [];
    const controller = controllerOf(scene, async (key) => {
      seen.push(key);
      if (seen.length < 4) throw new Error('not yet');
      return {};
    });
    await direct.apply(configMap(namespace, 'a'));
    controller.start();
    await until('reconciled', () => seen.length === 4);
    await direct.delete({ ...configMaps, namespace, name: 'a' });
    await until('the deletion is reconciled', () => seen.length === 5);
    await controller.stop(1_000);
    expect(new Set(seen)).toEqual(new Set([`${namespace}/a`]));
    const text = await registry.metrics();
    for (const line of [
      'controller_runtime_reconcile_total{controller="test",result="error"} 3',
      'controller_runtime_reconcile_total{controller="test",result="success"} 2',
      'controller_runtime_reconcile_errors_total{controller="test"} 3',
      'workqueue_adds_total{name="test"} 5',
      'workqueue_retries_total{name="test"} 3',
      'workqueue_depth{name="test"} 0',
    ])
      expect(text).toContain(line);
  });

  test('reconciles again after requeueAfterMs', async (scene) => {
    const { direct, namespace } = scene;
    let runs = 0;
    const controller = controllerOf(scene, async () => {
      runs += 1;
      return runs < 3 ? { requeueAfterMs: 10 } : {};
    });
    await direct.apply(configMap(namespace, 'a'));
    controller.start();
    await until('three times', () => runs === 3);
    await controller.stop(1_000);
  });

  test('reconciles the old owner of an object too', async (scene) => {
    const { direct, namespace } = scene;
    const seen: string[] = [];
    const controller = makeController({
      ...optionsOf(scene),
      sources: [
        { kind: configMaps, namespace, keysOf: ({ metadata }) => [metadata.labels?.['of'] ?? ''] },
      ],
      reconcile: async (key) => {
        seen.push(key);
        return {};
      },
    });
    await direct.apply(configMap(namespace, 'a', {}, { of: 'one' }));
    controller.start();
    await until('reconciled', () => seen.length === 1);
    await direct.apply(configMap(namespace, 'a', {}, { of: 'another' }));
    await until('both', () => seen.length === 3);
    expect(seen.slice(1).sort()).toEqual(['another', 'one']);
    await controller.stop(1_000);
  });

  test('waits for running reconciles at most drainMs when it stops', async (scene) => {
    const { direct, namespace } = scene;
    let end = (): void => undefined;
    const controller = controllerOf(
      scene,
      () =>
        new Promise((resolve) => {
          end = () => resolve({});
        }),
    );
    await direct.apply(configMap(namespace, 'a'));
    controller.start();
    await until('running', async () => {
      const text = await scene.registry.metrics();
      return /longest_running_processor_seconds\{name="test"\} (?!0$)/m.test(text);
    });
    const began = performance.now();
    await controller.stop(200);
    expect(performance.now() - began).toBeGreaterThan(190);
    const ended = controller.stop(60_000);
    end();
    await ended;
    expect(performance.now() - began).toBeLessThan(10_000);
  });

  test('exposes the age of the last event of each reflector', async (scene) => {
    const { namespace, registry } = scene;
    const controller = controllerOf(scene, async () => ({}));
    controller.start();
    await until('synced', () => controller.hasSynced());
    const labels = `{kind="ConfigMap",namespace="${namespace}"}`;
    const text = await registry.metrics();
    expect(text).toMatch(new RegExp(`reflector_last_event_age_seconds${labels} 0\\.`));
    expect(text).toContain('reflector_lists_total{kind="ConfigMap"} 1');
    expect(controller.lastEventAgeMs()).toBeLessThan(10_000);
    await controller.stop(1_000);
  });
});

describe('names', () => {
  plainTest('match the plurals of the API server', () => {
    const kinds = [
      'Endpoints',
      'Ingress',
      'NetworkPolicy',
      'StatefulSet',
      'MovieTicketing',
      'Gateway',
    ];
    expect(kinds.map(pluralOf)).toEqual([
      'endpoints',
      'ingresses',
      'networkpolicies',
      'statefulsets',
      'movieticketings',
      'gateways',
    ]);
    expect(splitKey(keyOf(configMap('ns', 'a')))).toEqual({ namespace: 'ns', name: 'a' });
    expect(splitKey('a')).toEqual({ name: 'a' });
  });
});
