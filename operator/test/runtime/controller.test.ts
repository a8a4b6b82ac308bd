import { afterAll, describe, expect, test as plainTest } from '@jest/globals';
import { testIf } from '@movie-ticketing/kit/testing/skippable';
import { startServer } from '@movie-ticketing/kit/server';
import { makeController, type ControllerOptions } from '../../src/runtime/controller.ts';
import { healthListener } from '../../src/runtime/health.ts';
import { keyOf, pluralOf, splitKey } from '../../src/runtime/kube-object.ts';
import { Registry } from '@movie-ticketing/kit/metrics';
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

const controllerOf = (
  { client, namespace, registry }: Scene,
  reconcile: ControllerOptions['reconcile'],
) =>
  makeController({
    name: 'test',
    client,
    sources: [{ kind: configMaps, namespace, keysOf: (object) => [keyOf(object)] }],
    reconcile,
    workers: 2,
    logger: silentLogger(),
    registry,
  });

describe('the controller', () => {
  test('when an object changes, then its key is reconciled; when it fails, then again', async (scene) => {
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
    await until('told', () => seen.length === 5);
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

  test('when it is to come again, then it does, with nothing changed', async (scene) => {
    let runs = 0;
    const controller = controllerOf(scene, async () => {
      runs += 1;
      return runs < 3 ? { requeueAfterMs: 10 } : {};
    });
    controller.start();
    controller.enqueue('x/y');
    await until('three times', () => runs === 3);
    await controller.stop(1_000);
  });

  test('when it stops, then what runs may end; what takes too long is told', async (scene) => {
    const controller = controllerOf(
      scene,
      (_, signal) =>
        new Promise((resolve) => {
          signal.addEventListener('abort', () => {
            resolve({});
          });
        }),
    );
    controller.start();
    controller.enqueue('x/y');
    const began = performance.now();
    await controller.stop(200);
    expect(performance.now() - began).toBeGreaterThan(190);
  });
});

describe('health', () => {
  plainTest('when only a restart would heal, then /healthz says so; /metrics answers', async () => {
    const state = {
      ailment: undefined as string | undefined,
      missing: 'not synced' as string | undefined,
    };
    const listener = healthListener({
      registry: new Registry(),
      readiness: async () => state.missing,
      isStopping: () => false,
      ailment: () => state.ailment,
    });
    const server = await startServer({ listener, host: '127.0.0.1', port: 0 });
    const status = async (path: string): Promise<number> =>
      (await fetch(`http://127.0.0.1:${String(server.port)}${path}`)).status;
    expect(await status('/healthz')).toBe(200);
    expect(await status('/readyz')).toBe(503);
    expect(await status('/metrics')).toBe(200);
    state.ailment = 'nothing heard for an hour';
    state.missing = undefined;
    expect(await status('/healthz')).toBe(503);
    expect(await status('/readyz')).toBe(200);
    await server.stop(100);
  });
});

describe('names', () => {
  plainTest('when a kind is made plural, then it is as the API server has it', () => {
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
