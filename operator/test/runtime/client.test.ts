import { afterAll, describe, expect } from '@jest/globals';
import { testIf } from '@movie-ticketing/kit/testing/skippable';
import { Registry } from '@movie-ticketing/kit/metrics';
import { makeKubeClient, refuseWritesUnless, type KubeClient } from '../../src/runtime/client.ts';
import { refOf, type KubeObject } from '../../src/runtime/kube-object.ts';
import { hasApiServer, lacksApiServer, startApiServer } from '../../testing/api-server.ts';

const api = hasApiServer ? await startApiServer() : undefined;
afterAll(() => api?.stop());

type Scene = { client: KubeClient; namespace: string; registry: Registry };

const test = (title: string, run: (scene: Scene) => Promise<void>): void => {
  testIf(hasApiServer, lacksApiServer)(title, async () => {
    const registry = new Registry();
    const client = makeKubeClient({
      kubeConfig: await api!.makeClientConfig(),
      fieldManager: 'runtime-test',
      registry,
    });
    await run({ client, namespace: await api!.namespace(), registry });
  });
};

const configMap = (namespace: string, name: string, data: Record<string, string> = {}) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace },
  data,
});

describe('requests to the API server', () => {
  test('an apply removes fields that an earlier apply had set', async (scene) => {
    const { client, namespace } = scene;
    await client.apply(configMap(namespace, 'a', { one: '1', two: '2' }));
    await client.apply(configMap(namespace, 'a', { two: '2' }));
    const ref = refOf(configMap(namespace, 'a'));
    expect(await client.get(ref)).toMatchObject({ kind: 'ConfigMap', data: { two: '2' } });
  });

  test('sends fields that client-node does not know', async (scene) => {
    const { client } = scene;
    const crd = {
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: 'tests.example.com' },
      spec: {
        group: 'example.com',
        names: { kind: 'Test', plural: 'tests' },
        scope: 'Namespaced',
        versions: [
          {
            name: 'v1',
            served: true,
            storage: true,
            subresources: { status: {} },
            schema: {
              openAPIV3Schema: {
                type: 'object',
                'x-kubernetes-preserve-unknown-fields': true,
                properties: {
                  status: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
                },
              },
            },
          },
        ],
      },
    };
    const stored = await client.apply<KubeObject & typeof crd>(crd);
    const schema = stored.spec.versions[0]!.schema.openAPIV3Schema;
    expect(schema['x-kubernetes-preserve-unknown-fields']).toBe(true);
  });

  test('get and delete report a missing object', async (scene) => {
    const { client, namespace } = scene;
    const ref = refOf(configMap(namespace, 'none'));
    expect(await client.get(ref)).toBeUndefined();
    expect(await client.delete(ref)).toBe(false);
    await client.create(configMap(namespace, 'none'));
    expect(await client.delete(ref)).toBe(true);
  });

  test('get throws KindNotServed where the CRD is missing', async (scene) => {
    const ref = { apiVersion: 'unknown.example/v1', kind: 'Thing', namespace: 'x', name: 'y' };
    await expect(scene.client.get(ref)).rejects.toMatchObject({
      status: 404,
      reason: 'KindNotServed',
    });
  });

  test('refuses a delete by uid of another object of the same name', async (scene) => {
    const { client, namespace } = scene;
    await client.create(configMap(namespace, 'a'));
    const ref = refOf(configMap(namespace, 'a'));
    const older = client.delete({ ...ref, uid: 'of-an-older-one' });
    await expect(older).rejects.toMatchObject({ reason: 'Conflict' });
    expect(await client.get(ref)).toBeDefined();
  });

  test('lists all pages, by label', async (scene) => {
    const { client, namespace } = scene;
    for (let from = 0; from < 520; from += 40)
      await Promise.all(
        Array.from({ length: 40 }, (_, index) => {
          const object = configMap(namespace, `c-${String(from + index)}`);
          return client.create({ ...object, metadata: { ...object.metadata, labels: { l: 'x' } } });
        }),
      );
    await client.create(configMap(namespace, 'unlabelled'));
    const kind = { apiVersion: 'v1', kind: 'ConfigMap' };
    const { items } = await client.list(kind, { namespace, labelSelector: 'l=x' });
    expect(new Set(items.map(({ metadata }) => metadata.name)).size).toBe(520);
    expect(items[0]).toMatchObject(kind);
  });

  test('the error of a refused Secret quotes nothing of it', async (scene) => {
    const { client, namespace } = scene;
    const wrong = { ...configMap(namespace, 's'), kind: 'Secret', stringData: { key: 31_337_042 } };
    const error = await client.apply(wrong).catch((refused: unknown) => refused);
    expect(error).toMatchObject({ status: expect.any(Number) });
    expect(String(error)).not.toContain('31337042');
    // Control: of any other kind the server's words are passed on, and they quote the value.
    const other = { ...configMap(namespace, 's'), data: { key: 31_337_042 } };
    await expect(client.apply(other)).rejects.toThrow('31337042');
  });

  test('a status apply removes omitted fields and never re-creates a deleted object', async (scene) => {
    const { client, namespace } = scene;
    const object = {
      apiVersion: 'example.com/v1',
      kind: 'Test',
      metadata: { name: 't', namespace },
    };
    const make = async (): Promise<KubeObject> => {
      for (;;) {
        // A new kind is served a moment after its definition.
        const made = await client.create(object).catch(() => undefined);
        if (made !== undefined) return made;
      }
    };
    const { resourceVersion } = (await make()).metadata;
    await client.patchStatus(refOf(object), { phase: 'one' });
    const old = { resourceVersion: resourceVersion! };
    const stale = client.patchStatus(refOf(object), { phase: 'stale' }, old);
    await expect(stale).rejects.toMatchObject({ reason: 'Conflict' });
    expect(await client.get(refOf(object))).toMatchObject({ status: { phase: 'one' } });
    await client.patchStatus(refOf(object), { other: 'two' });
    expect((await client.get<any>(refOf(object))).status).toEqual({ other: 'two' });

    await client.delete(refOf(object));
    const late = client.patchStatus(refOf(object), { phase: 'x' });
    await expect(late).rejects.toMatchObject({ reason: 'NotFound' });
  });

  test('sends no writes while writing is not allowed, and still reads', async (scene) => {
    const { client, namespace, registry } = scene;
    const guarded = refuseWritesUnless(client, () => false);
    const object = configMap(namespace, 'a');
    for (const write of [
      guarded.apply(object),
      guarded.create(object),
      guarded.update(object),
      guarded.delete(refOf(object)),
      guarded.patchStatus(refOf(object), {}),
    ])
      await expect(write).rejects.toMatchObject({ reason: 'NotLeading' });
    expect(await guarded.get(refOf(object))).toBeUndefined();
    const sent = await registry.getMetricsAsJSON();
    expect(sent[0]!.values).toEqual([{ labels: { code: '404', method: 'GET' }, value: 1 }]);
  });
});
