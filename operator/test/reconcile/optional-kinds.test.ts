import { afterAll, describe, expect, test } from '@jest/globals';
import { makeLogger } from '@movie-ticketing/kit/logging';
import { testIf } from '@movie-ticketing/kit/testing/skippable';

import { makeReconcile } from '../../src/reconcile/reconcile-resource.ts';
import type { MovieTicketing } from '../../src/resource/movie-ticketing.schema.ts';
import type { KubeClient } from '../../src/runtime/client.ts';
import { hasApiServer, lacksApiServer, startApiServer } from '../../testing/api-server.ts';
import { resourceOf, testSettings } from '../../testing/example-resource.ts';
import { conditionOf } from '../../testing/installed-cluster.ts';
import {
  administrator,
  installBase,
  makeResource,
  operatorClient,
  resourceRef,
} from '../../testing/operator-scene.ts';
import { definitionOf } from '../../testing/optional-kinds.ts';
import { settleWorkloads } from '../../testing/pretend-controllers.ts';
import { recordCalls } from '../../testing/recorded-client.ts';
import { makeSimulatedCluster } from '../../testing/simulated-cluster.ts';

const routed = {
  gateway: {
    httpRoute: { parentRefs: [{ name: 'public' }], hostnames: ['tickets.example.com'] },
  },
};
const routeKind = 'gateway.networking.k8s.io/v1 HTTPRoute';

const accepted = (status: 'True' | 'False') => ({
  parents: [
    {
      conditions: [
        { type: 'Accepted', status, message: 'no listener has this hostname' },
        { type: 'ResolvedRefs', status: 'True' },
      ],
    },
  ],
});

describe('an HTTPRoute', () => {
  test('is pending, accepted or rejected as its parents say, and gives the URL', () => {
    const cluster = makeSimulatedCluster(resourceOf(routed));
    cluster.run();
    expect(conditionOf(cluster, 'RouteAccepted')).toBe('Unknown RoutePending');
    expect(conditionOf(cluster, 'Ready')).toBe('True Serving');
    const route = cluster.objects.get('HTTPRoute/shop-gateway')!;
    expect(route['spec']).toEqual({
      parentRefs: [{ name: 'public' }],
      hostnames: ['tickets.example.com'],
      rules: [{ backendRefs: [{ name: 'shop-gateway', port: 80 }] }],
    });
    route['status'] = accepted('False');
    cluster.run();
    expect(cluster.condition('RouteAccepted')).toMatchObject({
      reason: 'RouteRejected',
      message: expect.stringContaining('no listener has this hostname'),
    });
    route['status'] = accepted('True');
    cluster.run();
    expect(conditionOf(cluster, 'RouteAccepted')).toBe('True RouteAccepted');
    expect(cluster.resource.status?.url).toBe('https://tickets.example.com');
    expect(conditionOf(cluster, 'Ready')).toBe('True Serving');
  });

  test('is missing with its kind, and everything else is installed', () => {
    const cluster = makeSimulatedCluster(resourceOf(routed));
    cluster.absentKinds.set(routeKind, 'missing');
    cluster.run();
    expect(conditionOf(cluster, 'RouteAccepted')).toBe('False EngineMissing');
    expect(conditionOf(cluster, 'Available')).toBe('True Serving');
    expect(cluster.condition('RouteAccepted')?.message).toMatch(/Install the Gateway API/);
    cluster.absentKinds.clear();
    cluster.run();
    expect(conditionOf(cluster, 'RouteAccepted')).toBe('Unknown RoutePending');
  });
});

test('an Ingress is accepted once it has an address', () => {
  const cluster = makeSimulatedCluster(
    resourceOf({
      gateway: {
        ingress: {
          className: 'nginx',
          host: 'tickets.example.com',
          tlsSecretName: 'tickets-tls',
          annotations: { 'cert-manager.io/issuer': 'letsencrypt' },
        },
      },
    }),
  );
  cluster.run();
  const ingress = cluster.objects.get('Ingress/shop-gateway')!;
  expect(ingress.metadata.annotations).toMatchObject({ 'cert-manager.io/issuer': 'letsencrypt' });
  expect(ingress['spec']).toMatchObject({
    ingressClassName: 'nginx',
    tls: [{ hosts: ['tickets.example.com'], secretName: 'tickets-tls' }],
    rules: [{ host: 'tickets.example.com' }],
  });
  expect(conditionOf(cluster, 'RouteAccepted')).toBe('Unknown RoutePending');
  ingress['status'] = { loadBalancer: { ingress: [{ ip: '10.0.0.9' }] } };
  cluster.run();
  expect(conditionOf(cluster, 'RouteAccepted')).toBe('True RouteAccepted');
  expect(cluster.resource.status?.url).toBe('https://tickets.example.com');
});

const api = hasApiServer ? await startApiServer() : undefined;
afterAll(async () => {
  await api?.stop();
});

const kinds = [
  definitionOf({
    group: 'gateway.networking.k8s.io',
    kind: 'HTTPRoute',
    plural: 'httproutes',
  }),
  definitionOf({ group: 'monitoring.coreos.com', kind: 'PodMonitor', plural: 'podmonitors' }),
];

describe('on a real API server', () => {
  const installKinds = async (admin: KubeClient): Promise<void> => {
    for (const crd of kinds) await admin.create(crd);
  };
  const removeKinds = async (admin: KubeClient): Promise<void> => {
    for (const { apiVersion, kind, metadata } of kinds)
      await admin.delete({ apiVersion, kind, name: metadata.name });
  };

  testIf(hasApiServer, lacksApiServer)(
    'optional kinds may be absent, come late, go away and be wanted no more',
    async () => {
      const admin = await administrator(api!);
      const kubelet = await administrator(api!, 'kubelet');
      await installBase(admin);
      const namespace = await api!.namespace();
      const recorded = recordCalls(await operatorClient(api!));
      await makeResource(admin, namespace, {
        ...routed,
        monitoring: { podMonitor: { enabled: true, labels: { release: 'prometheus' } } },
      });
      const reconcile = makeReconcile({
        client: recorded.client,
        settings: testSettings,
        recordEvent: () => undefined,
        logger: makeLogger({ service: 'test', level: 'silent' }),
      });
      const reasonOf = async (type: string): Promise<string | undefined> =>
        (
          (await admin.get(resourceRef(namespace))) as unknown as MovieTicketing
        ).status?.conditions?.find((found) => found.type === type)?.reason;
      const settleUntil = async (isReached: () => Promise<boolean>): Promise<void> => {
        for (let pass = 0; pass < 60; pass += 1) {
          await reconcile(`${namespace}/shop`);
          await settleWorkloads(kubelet, namespace);
          if (await isReached()) return;
        }
        throw new Error(`not reached: ${String(await reasonOf('RouteAccepted'))}`);
      };
      const find = (apiVersion: string, kind: string, name: string) =>
        admin.get({ apiVersion, kind, name, namespace }).catch(() => undefined);
      const route = () => find('gateway.networking.k8s.io/v1', 'HTTPRoute', 'shop-gateway');
      const monitor = () => find('monitoring.coreos.com/v1', 'PodMonitor', 'shop-services');

      await settleUntil(async () => (await reasonOf('Available')) === 'Serving');
      expect(await reasonOf('RouteAccepted')).toBe('EngineMissing');
      expect(await reasonOf('Degraded')).toBe('EngineMissing');

      await installKinds(admin);
      await settleUntil(async () => (await reasonOf('Ready')) === 'Serving');
      expect(await reasonOf('RouteAccepted')).toBe('RoutePending');
      expect((await monitor())?.metadata.labels).toMatchObject({ release: 'prometheus' });
      expect(await route()).toBeDefined();

      await removeKinds(admin);
      await settleUntil(async () => (await reasonOf('RouteAccepted')) === 'EngineMissing');
      expect(await reasonOf('Available')).toBe('Serving');

      await installKinds(admin);
      await settleUntil(
        async () => (await route()) !== undefined && (await monitor()) !== undefined,
      );
      await admin.merge(resourceRef(namespace), {
        spec: { gateway: { httpRoute: null }, monitoring: { podMonitor: { enabled: false } } },
      });
      await settleUntil(
        async () => (await route()) === undefined && (await monitor()) === undefined,
      );
      await settleUntil(async () => (await reasonOf('Ready')) === 'Serving');
      // A resource that wants none of them costs no request for them.
      recorded.calls.length = 0;
      await reconcile(`${namespace}/shop`);
      await reconcile(`${namespace}/shop`);
      expect(
        recorded.calls.filter(({ kind }) => /HTTPRoute|PodMonitor/.test(kind)).slice(2),
      ).toEqual([]);
    },
  );
});
