import { afterAll, describe, expect, test } from '@jest/globals';
import { makeLogger } from '@movie-ticketing/kit/logging';
import { testIf } from '@movie-ticketing/kit/testing/skippable';

import { serviceNames } from '../../src/components/names.ts';
import type { Manifest, ObjectKey } from '../../src/objects/manifest.ts';
import { makeReconcile } from '../../src/reconcile/reconcile-resource.ts';
import type {
  MovieTicketing,
  MovieTicketingSpecInput,
} from '../../src/resource/movie-ticketing.schema.ts';
import { hasApiServer, lacksApiServer, startApiServer } from '../../testing/api-server.ts';
import { resourceOf, testSettings, userObject } from '../../testing/example-resource.ts';
import { conditionOf } from '../../testing/installed-cluster.ts';
import {
  administrator,
  installBase,
  makeResource,
  operatorClient,
  resourceRef,
} from '../../testing/operator-scene.ts';
import { cloudNativePgKinds } from '../../testing/optional-kinds.ts';
import { settleWorkloads } from '../../testing/pretend-controllers.ts';
import { recordCalls } from '../../testing/recorded-client.ts';
import { makeSimulatedCluster, type SimulatedCluster } from '../../testing/simulated-cluster.ts';
import { healthyCluster } from '../../testing/workload-fields.ts';

const login = userObject('Secret', 'shop-cluster-app', {
  username: 'movie_ticketing',
  password: 'password-of-the-owner',
});
const authority = userObject('Secret', 'shop-cluster-ca', { 'ca.crt': 'authority' });

const clusterKey = 'Cluster/shop-cluster' as const;

const clusterObject = (cluster: SimulatedCluster): Manifest =>
  cluster.objects.get(clusterKey) as Manifest;

type Settings = NonNullable<MovieTicketingSpecInput['database']>['cloudNativePG'];

const begun = (cloudNativePG: Settings = {}, more: MovieTicketingSpecInput = {}) => {
  const cluster = makeSimulatedCluster(resourceOf({ ...more, database: { cloudNativePG } }));
  cluster.run();
  return cluster;
};

/** What CloudNativePG would do. */
const becomeHealthy = (cluster: SimulatedCluster, status: object = healthyCluster): void => {
  cluster.others.set('Secret/shop-cluster-app', login);
  cluster.others.set('Secret/shop-cluster-ca', authority);
  clusterObject(cluster)['status'] = status;
  cluster.run();
};

const installed = (cloudNativePG: Settings = {}, more: MovieTicketingSpecInput = {}) => {
  const cluster = begun(cloudNativePG, more);
  becomeHealthy(cluster);
  return cluster;
};

const specOf = (cluster: SimulatedCluster): Record<string, any> =>
  clusterObject(cluster)['spec'] as Record<string, any>;

const environmentOf = (cluster: SimulatedCluster, key: ObjectKey): Record<string, any> => {
  const { template } = cluster.objects.get(key)!['spec'] as any;
  return Object.fromEntries(
    template.spec.containers[0].env.map(({ name, value, valueFrom }: any) => [
      name,
      value ?? valueFrom?.secretKeyRef,
    ]),
  );
};

describe('a Cluster of CloudNativePG', () => {
  test('is created, and the migrations wait until it is ready', () => {
    const cluster = begun();
    expect(conditionOf(cluster, 'DatabaseReady')).toBe('False DatabaseStarting');
    expect(cluster.objects.has('StatefulSet/shop-postgres')).toBe(false);
    expect([...cluster.objects.keys()].filter((key) => key.startsWith('Job/'))).toEqual([]);
    becomeHealthy(cluster, {
      ...healthyCluster,
      phase: 'Setting up primary',
      readyInstances: 0,
      conditions: [],
    });
    expect(cluster.condition('DatabaseReady')?.message).toContain('Setting up primary');
    becomeHealthy(cluster);
    expect(conditionOf(cluster, 'Ready')).toBe('True Serving');
  });

  test('answers no commit before a standby server has it on disk', () => {
    const { postgresql, instances } = specOf(begun());
    expect(instances).toBe(3);
    expect(postgresql).toMatchObject({
      synchronous: { method: 'any', number: 1, dataDurability: 'required', failoverQuorum: true },
      parameters: {
        fsync: 'on',
        full_page_writes: 'on',
        synchronous_commit: 'on',
        max_connections: '300',
      },
    });
    expect(specOf(begun({ synchronous: { number: 0 } }))['postgresql']).not.toHaveProperty(
      'synchronous',
    );
  });

  test('is reached at its primary, with TLS, by a login for each service', () => {
    const cluster = installed();
    for (const service of serviceNames) {
      expect(environmentOf(cluster, `Deployment/shop-${service}`)).toMatchObject({
        DB_HOST: 'shop-cluster-rw',
        DB_NAME: 'movie_ticketing',
        DB_SSLMODE: 'verify-full',
        DB_USER: { name: 'shop-logins', key: `${service}-username` },
      });
    }
    const [job] = [...cluster.objects.keys()].filter((key) => key.startsWith('Job/shop-migrate'));
    expect(environmentOf(cluster, job!)).toMatchObject({
      DB_USER: { name: 'shop-cluster-app', key: 'username' },
    });
    const policy = cluster.objects.get('NetworkPolicy/shop-users')!['spec'] as any;
    expect(policy.egress[0]).toEqual({
      to: [{ podSelector: { matchLabels: { 'cnpg.io/cluster': 'shop-cluster' } } }],
      ports: [{ protocol: 'TCP', port: 5432 }],
    });
  });

  test('has none of the labels by which the operator isolates pods', () => {
    const { inheritedMetadata } = specOf(begun({}, { pods: { labels: { team: 'tickets' } } }));
    expect(inheritedMetadata.labels).toEqual({ team: 'tickets' });
  });

  test('is placed as the resource says, and has no empty list of tolerations', () => {
    expect(specOf(begun())['affinity']).toEqual({ enablePodAntiAffinity: true });
    const pods = { nodeSelector: { disk: 'fast' }, tolerations: [{ operator: 'Exists' }] };
    expect(specOf(begun({}, { pods }))['affinity']).toMatchObject(pods);
  });

  test('outlives the resource', () => {
    expect(clusterObject(begun()).metadata).not.toHaveProperty('ownerReferences');
  });

  test('is archived and recovered with the Barman Cloud plugin', () => {
    const cluster = begun({
      backup: { objectStore: 'archive', serverName: 'second', schedule: '15 2 * * *' },
      recovery: { objectStore: 'archive', serverName: 'first', targetTime: '2027-03-01T12:00:00Z' },
    });
    expect(specOf(cluster)).toMatchObject({
      plugins: [
        {
          name: 'barman-cloud.cloudnative-pg.io',
          isWALArchiver: true,
          parameters: { barmanObjectName: 'archive', serverName: 'second' },
        },
      ],
      bootstrap: {
        recovery: { source: 'origin', recoveryTarget: { targetTime: '2027-03-01T12:00:00Z' } },
      },
      externalClusters: [
        {
          name: 'origin',
          plugin: { parameters: { barmanObjectName: 'archive', serverName: 'first' } },
        },
      ],
    });
    expect(specOf(cluster)['bootstrap']).not.toHaveProperty('initdb');
    expect(cluster.objects.get('ScheduledBackup/shop-cluster')?.['spec']).toMatchObject({
      // Seconds first.
      schedule: '0 15 2 * * *',
      cluster: { name: 'shop-cluster' },
      method: 'plugin',
    });
  });

  test('that fails over is no problem for a minute, and one for longer', () => {
    const cluster = installed();
    const failing = {
      ...healthyCluster,
      phase: 'Failing over',
      readyInstances: 2,
      conditions: [
        {
          type: 'Ready',
          status: 'False',
          lastTransitionTime: cluster.observe().now.toISOString(),
        },
      ],
    };
    clusterObject(cluster)['status'] = failing;
    cluster.step();
    expect(conditionOf(cluster, 'Available')).toBe('True Serving');
    expect(conditionOf(cluster, 'DatabaseReady')).toBe('False DatabaseStarting');
    expect(conditionOf(cluster, 'Degraded')).toBe('False NoProblem');
    cluster.tick(120);
    cluster.step();
    expect(conditionOf(cluster, 'Degraded')).toBe('True ClusterNotReady');
    expect(cluster.condition('Degraded')?.message).toContain(
      '2 of 3 instances ready (Failing over)',
    );
    becomeHealthy(cluster);
    expect(conditionOf(cluster, 'Ready')).toBe('True Serving');
  });

  test.each([
    ['required', 1, 'False'],
    ['required', 2, 'True'],
    ['preferred', 1, 'True'],
  ] as const)(
    'with durability %s and %d instances ready, bookings are available: %s',
    (dataDurability, readyInstances, available) => {
      const cluster = installed({ synchronous: { dataDurability } });
      const conditions = [{ type: 'Ready', status: 'False' }];
      clusterObject(cluster)['status'] = { ...healthyCluster, readyInstances, conditions };
      cluster.step();
      expect(cluster.condition('Available')?.status).toBe(available);
    },
  );

  test.each([
    ['ContinuousArchiving', 'BackupFailed'],
    ['LastBackupSucceeded', 'BackupFailed'],
    ['SyncReplicationTopologySatisfied', 'ClusterNotReady'],
  ])('says that %s is false, and goes on', (type, reason) => {
    const cluster = installed({ backup: { objectStore: 'archive' } });
    const conditions = [
      ...healthyCluster.conditions,
      { type, status: 'False', message: 'access denied' },
    ];
    clusterObject(cluster)['status'] = { ...healthyCluster, conditions };
    cluster.run();
    expect(conditionOf(cluster, 'Degraded')).toBe(`True ${reason}`);
    expect(cluster.condition('Degraded')?.message).toContain('access denied');
    expect(conditionOf(cluster, 'Available')).toBe('True Serving');
  });

  test('is missing with its kind', () => {
    const cluster = makeSimulatedCluster(resourceOf({ database: { cloudNativePG: {} } }));
    cluster.absentKinds.set('postgresql.cnpg.io/v1 Cluster', 'missing');
    cluster.run();
    expect(conditionOf(cluster, 'DatabaseReady')).toBe('False EngineMissing');
    expect(cluster.condition('DatabaseReady')?.message).toMatch(/Install CloudNativePG/);
  });

  test('counts in the budget of connections', () => {
    const cluster = installed({ parameters: { max_connections: '20' } });
    expect(cluster.condition('Degraded')?.message).toContain(
      'Raise spec.database.cloudNativePG.parameters.max_connections',
    );
  });
});

const api = hasApiServer ? await startApiServer() : undefined;
afterAll(async () => {
  await api?.stop();
});

testIf(hasApiServer, lacksApiServer)(
  'on a real API server a Cluster is applied whole, defaults of others stay, and a steady state writes nothing',
  async () => {
    const admin = await administrator(api!);
    const controllers = await administrator(api!, 'cloudnative-pg');
    await installBase(admin);
    for (const definition of cloudNativePgKinds) await admin.create(definition);
    const namespace = await api!.namespace();
    const recorded = recordCalls(await operatorClient(api!));
    await makeResource(admin, namespace, {
      database: { cloudNativePG: { backup: { objectStore: 'archive' } } },
      pods: { nodeSelector: { disk: 'fast' } },
    });
    const reconcile = makeReconcile({
      client: recorded.client,
      settings: testSettings,
      recordEvent: () => undefined,
      logger: makeLogger({ service: 'test', level: 'silent' }),
    });
    const reference = {
      apiVersion: 'postgresql.cnpg.io/v1',
      kind: 'Cluster',
      name: 'shop-cluster',
      namespace,
    };
    const read = () => admin.get(reference).catch(() => undefined);
    const pass = async (): Promise<void> => {
      await reconcile(`${namespace}/shop`);
      await settleWorkloads(controllers, namespace);
    };
    for (let tries = 0; tries < 60 && (await read()) === undefined; tries += 1) await pass();
    const live = (await read()) as unknown as { spec: any };
    expect(live.spec).toMatchObject({
      instances: 3,
      affinity: { nodeSelector: { disk: 'fast' } },
      // Defaults of the definition beside what the operator applied.
      managed: { roles: [{ name: 'movie_ticketing', createrole: true, connectionLimit: -1 }] },
      plugins: [{ enabled: true, isWALArchiver: true }],
    });
    for (const object of [login, authority])
      await admin.create({ ...object, metadata: { name: object.metadata.name, namespace } });
    await controllers.patchStatus(reference, healthyCluster);
    const phase = async () =>
      ((await admin.get(resourceRef(namespace))) as unknown as MovieTicketing).status?.phase;
    for (let tries = 0; tries < 60 && (await phase()) !== 'Running'; tries += 1) await pass();
    expect(await phase()).toBe('Running');
    await pass();
    recorded.calls.length = 0;
    await pass();
    expect(recorded.calls.filter(({ verb }) => !/^(get|list)$/.test(verb))).toEqual([]);
  },
  120_000,
);
