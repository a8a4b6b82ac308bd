import { afterAll, beforeAll, describe, expect } from '@jest/globals';
import { testIf } from '@movie-ticketing/kit/testing/skippable';

import { appliedAnnotation, resourceLabel } from '../../src/objects/labels.ts';
import { carryOut } from '../../src/reconcile/apply.ts';
import { observe } from '../../src/reconcile/observe.ts';
import { withUidPrecondition } from '../../src/steps/component.ts';
import type { Event, Plan } from '../../src/reconcile/plan.ts';
import type { Manifest } from '../../src/objects/manifest.ts';
import type { MovieTicketing } from '../../src/resource/movie-ticketing.schema.ts';
import { refuseWritesUnless, type KubeClient } from '../../src/runtime/client.ts';
import type { KubeObject } from '../../src/runtime/kube-object.ts';
import { hasApiServer, lacksApiServer, startApiServer } from '../../testing/api-server.ts';
import {
  administrator,
  installBase,
  makeResource,
  operatorClient,
} from '../../testing/operator-scene.ts';

const api = hasApiServer ? await startApiServer() : undefined;
let admin: KubeClient;
let operator: KubeClient;

beforeAll(async () => {
  if (api === undefined) return;
  admin = await administrator(api);
  await installBase(admin);
  operator = await operatorClient(api);
}, 400_000);

afterAll(async () => {
  await api?.stop();
});

type Scene = { namespace: string; resource: MovieTicketing };

const test = (title: string, run: (scene: Scene) => Promise<void>): void => {
  testIf(hasApiServer, lacksApiServer)(title, async () => {
    const namespace = await api!.namespace();
    await run({ namespace, resource: await makeResource(admin, namespace) });
  });
};

const map = (
  { namespace, resource }: Scene,
  name: string,
  options: { label?: string; owner?: boolean; data?: Record<string, string> } = {},
): Manifest => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: {
    name,
    namespace,
    labels: options.label === undefined ? {} : { [resourceLabel]: options.label },
    annotations: {},
    ...(options.owner === true
      ? {
          ownerReferences: [
            {
              apiVersion: resource.apiVersion,
              kind: resource.kind,
              name: 'shop',
              uid: resource.metadata.uid,
            },
          ],
        }
      : {}),
  },
  data: options.data ?? {},
});

const planOf = (resource: MovieTicketing, plan: Partial<Plan>): Plan => ({
  create: [],
  keep: [],
  apply: [],
  delete: [],
  withheld: [],
  // The initial status: nothing to write.
  status: resource.status!,
  events: [],
  ...plan,
});

const carry = (scene: Scene, plan: Partial<Plan>, client = operator, told: Event[] = []) =>
  carryOut(
    { client, recordEvent: (_resource, event) => told.push(event) },
    scene.resource,
    planOf(scene.resource, plan),
  );

const names = (keys: Iterable<string>): string[] => [...keys].sort();

describe('observe', () => {
  test('distinguishes labelled objects, owned objects without the label and objects of others', async (scene) => {
    await admin.create(map(scene, 'labelled', { label: 'shop' }));
    await admin.create(map(scene, 'of-another', { label: 'shop-east' }));
    // A name that the resource needs, without its label.
    await admin.create(map(scene, 'shop-postgres', { owner: true }));
    // Another one, owned by nobody.
    await admin.create(map(scene, 'shop-catalog'));
    await admin.create(map(scene, 'strangers'));

    const { owned, conflicting } = await observe(operator, scene.resource);
    expect(names(owned.keys())).toEqual(['ConfigMap/labelled', 'ConfigMap/shop-postgres']);
    expect(names(conflicting.keys())).toEqual(['ConfigMap/shop-catalog']);
  });

  test('reads a referenced Secret if it exists', async ({ namespace }) => {
    const spec = { adminSecretRef: { name: 'boss' } };
    const resource = await makeResource(admin, namespace, spec, 'other');
    expect((await observe(operator, resource)).referenced.size).toBe(0);
    await admin.create({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'boss', namespace },
    });
    const { referenced, owned } = await observe(operator, resource);
    expect(names(referenced.keys())).toEqual(['Secret/boss']);
    expect(owned.size).toBe(0);
  });

  test('lists return no Secret data: each Secret is read by name', async (scene) => {
    const secret = { ...map(scene, 'shop-admin', { label: 'shop', owner: true }), kind: 'Secret' };
    const data = { password: Buffer.from('opensesame').toString('base64') };
    await admin.create({ ...secret, data });
    const listed: KubeObject[] = [];
    const client: KubeClient = {
      ...operator,
      list: async <T extends KubeObject>(...asked: Parameters<KubeClient['list']>) => {
        const answer = await operator.list<T>(...asked);
        listed.push(...answer.items);
        return answer;
      },
    };
    const { owned } = await observe(client, scene.resource);
    expect(owned.get('Secret/shop-admin')).toMatchObject({ data });
    const outlines = listed.filter(({ kind }) => kind === 'Secret');
    expect(outlines).toHaveLength(1);
    expect(JSON.stringify(outlines)).not.toContain(data.password);
  });
});

describe('carryOut', () => {
  test('a Secret that was deleted after it was read does not come back empty', async (scene) => {
    const ref = { apiVersion: 'v1', kind: 'Secret', name: 'password', namespace: scene.namespace };
    const { namespace } = scene;
    const metadata = { name: 'password', namespace, labels: { [resourceLabel]: 'shop' } };
    await admin.create({ apiVersion: 'v1', kind: 'Secret', metadata });
    const observed = await observe(operator, scene.resource);
    const seen = observed.owned.get('Secret/password')!;
    const wanted = map(scene, 'password', { label: 'shop' });
    const annotations = { [appliedAnnotation]: 'another' };
    const desired = { ...wanted, kind: 'Secret', metadata: { ...wanted.metadata, annotations } };
    await admin.delete({ ...ref, uid: seen.metadata.uid! });

    const { refusals } = await carry(scene, { apply: [withUidPrecondition(desired, seen)] });
    expect(refusals.get('Secret/password')?.status).toBe(409);
    expect(await admin.get(ref)).toBeUndefined();
    // Control: without the precondition the Secret exists, and is empty.
    await carry(scene, { apply: [desired] });
    expect(await admin.get(ref)).not.toHaveProperty('data.password');
    expect(await admin.get(ref)).toBeDefined();
  });

  test('a refused object does not stop the others', async (scene) => {
    const bad = map(scene, 'not a name', { label: 'shop' });
    const { refusals, writes } = await carry(scene, {
      apply: [bad, map(scene, 'good', { label: 'shop' })],
    });
    expect(writes).toBe(2);
    expect([...refusals.keys()]).toEqual(['ConfigMap/not a name']);
    expect(refusals.get('ConfigMap/not a name')?.status).toBe(422);
    const { owned } = await observe(operator, scene.resource);
    expect(names(owned.keys())).toEqual(['ConfigMap/good']);
  });

  test('create leaves an existing object unchanged', async (scene) => {
    await carry(scene, { create: [map(scene, 'once', { label: 'shop', data: { a: 'first' } })] });
    const { refusals } = await carry(scene, {
      create: [map(scene, 'once', { label: 'shop', data: { a: 'second' } })],
    });
    expect(refusals.size).toBe(0);
    const { owned } = await observe(operator, scene.resource);
    expect(owned.get('ConfigMap/once')?.['data']).toEqual({ a: 'first' });
  });

  test('delete leaves another object of the same name alone', async (scene) => {
    await carry(scene, { create: [map(scene, 'replaced', { label: 'shop' })] });
    const ref = { apiVersion: 'v1', kind: 'ConfigMap', name: 'replaced' };
    await carry(scene, { delete: [{ ...ref, uid: '00000000-0000-0000-0000-000000000000' }] });
    const before = (await observe(operator, scene.resource)).owned;
    expect(before.has('ConfigMap/replaced')).toBe(true);

    const uid = before.get('ConfigMap/replaced')!.metadata.uid!;
    await carry(scene, { delete: [{ ...ref, uid }] });
    await carry(scene, { delete: [{ ...ref, uid }] });
    const after = (await observe(operator, scene.resource)).owned;
    expect(after.has('ConfigMap/replaced')).toBe(false);
  });

  test('nothing is written after leadership is lost', async (scene) => {
    let left = 1;
    const fenced = refuseWritesUnless(operator, () => left-- > 0);
    await expect(
      carry(
        scene,
        {
          apply: [map(scene, 'first', { label: 'shop' }), map(scene, 'second', { label: 'shop' })],
        },
        fenced,
      ),
    ).rejects.toMatchObject({ reason: 'NotLeading' });
    const { owned } = await observe(operator, scene.resource);
    expect(names(owned.keys())).toEqual(['ConfigMap/first']);
  });

  test('neither status nor events are written for a resource that changed meanwhile', async (scene) => {
    const told: Event[] = [];
    const event: Event = { type: 'Normal', reason: 'Tried', message: 'tried' };
    const plan = { status: { phase: 'Running' } as Plan['status'], events: [event] };
    await admin.apply({
      apiVersion: 'movieticketing.io/v1',
      kind: 'MovieTicketing',
      metadata: { name: 'shop', namespace: scene.namespace, annotations: { changed: 'yes' } },
    });
    expect((await carry(scene, plan, operator, told)).current).toBe(false);
    expect(told).toEqual([]);

    const fresh = (await operator.get({
      apiVersion: 'movieticketing.io/v1',
      kind: 'MovieTicketing',
      name: 'shop',
      namespace: scene.namespace,
    })) as unknown as MovieTicketing;
    const again = await carry({ ...scene, resource: fresh }, plan, operator, told);
    expect(again.current).toBe(true);
    expect(told).toEqual([event]);
  });
});
