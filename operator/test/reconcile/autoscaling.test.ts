import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { makeLogger } from '@movie-ticketing/kit/logging';
import { testIf } from '@movie-ticketing/kit/testing/skippable';

import { makeReconcile } from '../../src/reconcile/reconcile-resource.ts';
import type { MovieTicketingSpecInput } from '../../src/resource/movie-ticketing.schema.ts';
import type { KubeClient } from '../../src/runtime/client.ts';
import type { KubeObject } from '../../src/runtime/kube-object.ts';
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
import { settleWorkloads } from '../../testing/pretend-controllers.ts';
import { makeSimulatedCluster } from '../../testing/simulated-cluster.ts';

const scaled: MovieTicketingSpecInput = {
  services: { bookings: { autoscaling: { minReplicas: 3, maxReplicas: 9 } } },
};

describe('spec.services.*.autoscaling', () => {
  test('makes a HorizontalPodAutoscaler, and the Deployment begins with minReplicas', () => {
    const cluster = makeSimulatedCluster(resourceOf(scaled));
    const created: unknown[] = [];
    for (let step = 0; step < 12; step += 1) {
      const { apply } = cluster.step();
      for (const { kind, metadata, spec } of apply)
        if (kind === 'Deployment' && metadata.name === 'shop-bookings')
          created.push((spec as { replicas?: number }).replicas);
    }
    expect(created).toEqual([3, undefined]);
    expect(cluster.objects.get('HorizontalPodAutoscaler/shop-bookings')?.['spec']).toMatchObject({
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'shop-bookings' },
      minReplicas: 3,
      maxReplicas: 9,
      metrics: [{ resource: { name: 'cpu', target: { averageUtilization: 70 } } }],
    });
    expect(cluster.objects.has('HorizontalPodAutoscaler/shop-users')).toBe(false);
  });

  test('passes metrics on, and then aims at no CPU unless told to', () => {
    const external = { type: 'External', external: { metric: { name: 'queue' } } };
    const metricsOf = (autoscaling: object): unknown => {
      const cluster = makeSimulatedCluster(
        resourceOf({ services: { bookings: { autoscaling: { maxReplicas: 3, ...autoscaling } } } }),
      );
      cluster.run();
      return (cluster.objects.get('HorizontalPodAutoscaler/shop-bookings') as any).spec.metrics;
    };
    expect(metricsOf({ metrics: [external] })).toEqual([external]);
    expect(metricsOf({ metrics: [external], targetCPUUtilizationPercentage: 50 })).toMatchObject([
      { resource: { target: { averageUtilization: 50 } } },
      external,
    ]);
  });

  test('an autoscaler without metrics is a problem after five minutes, and not before', () => {
    const cluster = makeSimulatedCluster(resourceOf(scaled));
    cluster.run();
    const hpa = cluster.objects.get('HorizontalPodAutoscaler/shop-bookings')!;
    const since = cluster.observe().now.toISOString();
    hpa['status'] = {
      conditions: [
        {
          type: 'ScalingActive',
          status: 'False',
          reason: 'FailedGetResourceMetric',
          message: 'unable to get metrics',
          lastTransitionTime: since,
        },
      ],
    };
    cluster.run();
    expect(conditionOf(cluster, 'Degraded')).toBe('False NoProblem');
    cluster.tick(301);
    cluster.run();
    expect(conditionOf(cluster, 'Degraded')).toBe('True AutoscalerInactive');
  });

  test('pools shrink where the most pods would not fit, and too many pods are a problem', () => {
    const clusterWith = (maxReplicas: number) => {
      const cluster = makeSimulatedCluster(
        resourceOf({
          database: { managed: { parameters: { max_connections: 100 } } },
          services: { bookings: { autoscaling: { maxReplicas } } },
        }),
      );
      cluster.run();
      return cluster;
    };
    const pool = (cluster: ReturnType<typeof clusterWith>): unknown =>
      (cluster.objects.get('ConfigMap/shop-bookings')?.['data'] as Record<string, string>)[
        'DB_POOL_SIZE'
      ];
    // 89 connections for 3 + 3 + 11 pods.
    expect(pool(clusterWith(10))).toBe('5');
    expect(conditionOf(clusterWith(50), 'Degraded')).toBe('True ConnectionBudgetExceeded');
  });
});

const api = hasApiServer ? await startApiServer() : undefined;
const onApiServer = testIf(hasApiServer, lacksApiServer);

describe('on a real API server the number of pods', () => {
  let admin: KubeClient;
  let operator: KubeClient;
  beforeAll(async () => {
    if (api === undefined) return;
    admin = await administrator(api);
    await installBase(admin);
    operator = await operatorClient(api);
  });
  afterAll(async () => {
    await api?.stop();
  });

  const deploymentIn = async (namespace: string): Promise<KubeObject> => {
    const ref = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'shop-bookings', namespace };
    const found = await admin.get(ref);
    if (found === undefined) throw new Error('no Deployment');
    return found;
  };

  const replicasIn = async (namespace: string): Promise<number | undefined> =>
    ((await deploymentIn(namespace))['spec'] as { replicas?: number }).replicas;

  const owners = async (namespace: string): Promise<string[]> => {
    const { managedFields = [] } = (await deploymentIn(namespace)).metadata as {
      managedFields?: { manager: string; fieldsV1: { 'f:spec'?: object } }[];
    };
    return managedFields
      .filter(({ fieldsV1 }) => 'f:replicas' in (fieldsV1['f:spec'] ?? {}))
      .map(({ manager }) => manager);
  };

  /** As the HorizontalPodAutoscaler's controller does. */
  const scale = async (namespace: string, replicas: number): Promise<void> => {
    const { apiVersion, kind, metadata } = await deploymentIn(namespace);
    await autoscalerClient.merge(
      { apiVersion, kind, name: metadata.name, namespace },
      { spec: { replicas } },
    );
  };
  let autoscalerClient: KubeClient;

  const settle = async (namespace: string, seen: Set<number | undefined>): Promise<void> => {
    const reconcile = makeReconcile({
      client: operator,
      settings: testSettings,
      recordEvent: () => undefined,
      logger: makeLogger({ service: 'test', level: 'silent' }),
    });
    for (let pass = 0; pass < 12; pass += 1) {
      await reconcile(`${namespace}/shop`);
      await settleWorkloads(admin, namespace);
      seen.add(await replicasIn(namespace).catch(() => undefined));
    }
  };

  const respec = async (namespace: string, spec: object): Promise<void> => {
    await admin.merge(resourceRef(namespace), { spec });
  };

  onApiServer('changes hands in both directions without a jump', async () => {
    autoscalerClient = await administrator(api!, 'kube-controller-manager');
    const namespace = await api!.namespace();
    await makeResource(admin, namespace, { services: { bookings: { replicas: 4 } } });
    await settle(namespace, new Set());
    expect(await replicasIn(namespace)).toBe(4);

    const seen = new Set<number | undefined>();
    await respec(namespace, { services: { bookings: { autoscaling: { maxReplicas: 9 } } } });
    await settle(namespace, seen);
    expect([...seen]).toEqual([4]);
    expect(await owners(namespace)).toEqual(['movie-ticketing-operator-keeps']);

    await scale(namespace, 7);
    expect(await owners(namespace)).toEqual(['kube-controller-manager']);
    seen.clear();
    // Edits of the spec do not touch what the autoscaler has set.
    await respec(namespace, { services: { bookings: { logLevel: 'debug' } } });
    await settle(namespace, seen);
    expect([...seen]).toEqual([7]);

    seen.clear();
    await respec(namespace, { services: { bookings: { autoscaling: null, replicas: 6 } } });
    await settle(namespace, seen);
    expect([...seen].filter((replicas) => replicas !== 7)).toEqual([6]);
    expect(await owners(namespace)).toEqual(['movie-ticketing-operator']);
  });

  onApiServer('falls to one without a second owner (control)', async () => {
    const namespace = await api!.namespace();
    await makeResource(admin, namespace, { services: { bookings: { replicas: 4 } } });
    await settle(namespace, new Set());
    const { apiVersion, kind, metadata, spec } = await deploymentIn(namespace);
    const { replicas: _, ...rest } = spec as { replicas: number };
    await operator.apply({
      apiVersion,
      kind,
      metadata: { name: metadata.name, namespace, labels: metadata.labels ?? {} },
      spec: rest,
    });
    expect(await replicasIn(namespace)).toBe(1);
  });
});
