import { describe, expect, test } from '@jest/globals';

import { rotateKeysAnnotation } from '../../src/components/services/service.pod.ts';
import type { MovieTicketingSpecInput } from '../../src/resource/movie-ticketing.schema.ts';
import { resourceOf, userObject } from '../../testing/example-resource.ts';
import { conditionOf } from '../../testing/installed-cluster.ts';
import { makeSimulatedCluster, type SimulatedCluster } from '../../testing/simulated-cluster.ts';

const clusterWith = (spec: MovieTicketingSpecInput): SimulatedCluster => {
  const cluster = makeSimulatedCluster(resourceOf(spec));
  cluster.others.set(
    'Secret/login',
    userObject('Secret', 'login', { username: 'a', password: 'b' }),
  );
  cluster.run();
  return cluster;
};

const objectOf = (spec: MovieTicketingSpecInput, key: `${string}/${string}`): any =>
  clusterWith(spec).objects.get(key);

const containerOf = (spec: MovieTicketingSpecInput, name: string): any =>
  objectOf(spec, `Deployment/shop-${name}`).spec.template.spec.containers[0];

const settingsOf = (spec: MovieTicketingSpecInput, service: string): Record<string, string> =>
  objectOf(spec, `ConfigMap/shop-${service}`).data;

describe('spec.gateway', () => {
  test('trustedProxyHops reaches the gateway only; the services trust the gateway', () => {
    const spec = { gateway: { trustedProxyHops: 2 } };
    expect(containerOf(spec, 'gateway').env).toContainEqual({ name: 'TRUST_PROXY', value: '2' });
    expect(settingsOf(spec, 'users')).toMatchObject({ TRUST_PROXY: '1' });
  });

  test('corsOrigins reaches every service', () => {
    const spec = { gateway: { corsOrigins: ['https://a.example', 'https://b.example'] } };
    for (const service of ['catalog', 'users', 'bookings']) {
      expect(settingsOf(spec, service)).toMatchObject({
        CORS_ORIGINS: 'https://a.example,https://b.example',
      });
    }
    expect(settingsOf({}, 'catalog')).not.toHaveProperty('CORS_ORIGINS');
  });

  test('resources replace the defaults of its container', () => {
    const resources = { requests: { cpu: '1', memory: '1Gi' } };
    expect(containerOf({ gateway: { resources } }, 'gateway').resources).toEqual({
      requests: { cpu: '1', memory: '1Gi' },
      limits: { memory: '1Gi' },
    });
  });

  test.each([
    [{}, { type: 'NodePort', nodePort: 30_080, policy: 'Cluster' }],
    [{ nodePort: 0 }, { type: 'NodePort', nodePort: undefined, policy: 'Cluster' }],
    [
      { externalTrafficPolicy: 'Local' as const },
      { type: 'NodePort', nodePort: 30_080, policy: 'Local' },
    ],
    [
      { type: 'LoadBalancer' as const, externalTrafficPolicy: 'Local' as const },
      { type: 'LoadBalancer', nodePort: undefined, policy: 'Local' },
    ],
    [{ type: 'ClusterIP' as const }, { type: 'ClusterIP', nodePort: undefined, policy: undefined }],
  ])('service %j becomes %j', (service, expected) => {
    const { spec } = objectOf({ gateway: { service } }, 'Service/shop-gateway');
    expect({
      type: spec.type,
      nodePort: spec.ports[0].nodePort,
      policy: spec.externalTrafficPolicy,
    }).toEqual(expected);
  });

  test('service.annotations are annotations of the Service', () => {
    const annotations = { 'lb.example.com/name': 'tickets' };
    const { metadata } = objectOf(
      { gateway: { service: { annotations } } },
      'Service/shop-gateway',
    );
    expect(metadata.annotations).toMatchObject(annotations);
  });
});

describe('spec.pods', () => {
  const pods = {
    labels: { 'example.com/team': 'tickets' },
    annotations: { 'example.com/cost': '42' },
    nodeSelector: { disk: 'fast' },
    tolerations: [{ key: 'only', operator: 'Exists' }],
    affinity: { nodeAffinity: {} },
    priorityClassName: 'high',
  };
  const podsIn = (cluster: SimulatedCluster): any[] =>
    [...cluster.objects.values()]
      .map(({ spec }) => (spec as any)?.template)
      .filter((template) => template !== undefined);

  test('reaches every pod: services, gateway, database and Jobs', () => {
    const templates = podsIn(clusterWith({ pods, seed: { mode: 'demo' } }));
    expect(templates).toHaveLength(8);
    const { labels, annotations, ...placement } = pods;
    for (const { metadata, spec } of templates) {
      expect(metadata).toMatchObject({ labels, annotations });
      expect(spec).toMatchObject(placement);
    }
  });

  test('adds nothing where it is unset', () => {
    for (const { spec } of podsIn(clusterWith({}))) {
      for (const field of ['nodeSelector', 'tolerations', 'affinity', 'priorityClassName'])
        expect(spec).not.toHaveProperty(field);
    }
  });
});

describe('spec.rotation.signingKeys and its annotation', () => {
  test('reach the users service only, and a value that is no time reaches nobody', () => {
    const rotation = { signingKeys: { everyDays: 7 } };
    expect(settingsOf({ rotation }, 'users')).toMatchObject({ JWT_KEY_ROTATION_DAYS: '7' });
    expect(settingsOf({ rotation }, 'catalog')).not.toHaveProperty('JWT_KEY_ROTATION_DAYS');
    const settingsWith = (annotation: string): any => {
      const annotations = { [rotateKeysAnnotation]: annotation };
      const cluster = makeSimulatedCluster(resourceOf({}, { annotations }));
      cluster.run();
      return cluster.objects.get('ConfigMap/shop-users')?.['data'];
    };
    expect(settingsWith('2026-11-26T12:00:00+02:00')).toMatchObject({
      JWT_REPLACE_KEYS_BEFORE: '2026-11-26T10:00:00Z',
    });
    expect(settingsWith('now')).not.toHaveProperty('JWT_REPLACE_KEYS_BEFORE');
  });
});

describe('other fields', () => {
  test('bookings.maxTicketsPerBooking reaches the bookings service', () => {
    expect(settingsOf({ bookings: { maxTicketsPerBooking: 4 } }, 'bookings')).toMatchObject({
      MAX_TICKETS_PER_BOOKING: '4',
    });
  });

  test('jobs.resources apply to the migration and seed Jobs', () => {
    const resources = { requests: { cpu: '200m', memory: '256Mi' } };
    const { objects } = clusterWith({ jobs: { resources }, seed: { mode: 'demo' } });
    const jobs = [...objects.values()].filter(
      ({ kind, metadata }) => kind === 'Job' && /-(migrate|seed)-/.test(metadata.name),
    );
    expect(jobs).toHaveLength(2);
    for (const job of jobs) {
      expect((job as any).spec.template.spec.containers[0].resources).toMatchObject(resources);
    }
  });

  test('services.env follows the operator’s own variables', () => {
    const env = [{ name: 'BOOKING_QUEUE_LIMIT', value: '100' }];
    expect(containerOf({ services: { users: { env } } }, 'users').env.at(-1)).toEqual(env[0]);
  });

  test('monitoring.allowFrom admits the namespaces to port 9090 of services and gateway', () => {
    const selector = { matchLabels: { 'kubernetes.io/metadata.name': 'monitoring' } };
    const { objects } = clusterWith({ monitoring: { allowFrom: [selector] } });
    const admitted = [...objects.values()]
      .filter(({ kind }) => kind === 'NetworkPolicy')
      .filter(({ spec }) =>
        ((spec as any).ingress ?? []).some(
          ({ from, ports }: any) =>
            ports[0].port === 9090 &&
            from[0].namespaceSelector.matchLabels['kubernetes.io/metadata.name'] === 'monitoring',
        ),
      )
      .map(({ metadata }) => metadata.name);
    expect(admitted.toSorted()).toEqual([
      'shop-bookings',
      'shop-catalog',
      'shop-gateway',
      'shop-users',
    ]);
  });

  test('without monitoring.allowFrom port 9090 is open to nobody', () => {
    const policies = [...clusterWith({}).objects.values()].filter(
      ({ kind }) => kind === 'NetworkPolicy',
    );
    expect(JSON.stringify(policies)).not.toContain('9090');
  });
});

describe('spec.database.external.sslRootCert', () => {
  const external = (key: 'secretKeyRef' | 'configMapKeyRef'): MovieTicketingSpecInput => ({
    database: {
      external: {
        host: 'db.example.com',
        sslMode: 'verify-full',
        sslRootCert: { [key]: { name: 'authority', key: 'root.pem' } },
        credentialsSecretRef: { name: 'login' },
      },
    },
    seed: { mode: 'demo' },
  });

  test.each([
    ['secretKeyRef', 'Secret', { secret: { secretName: 'authority' } }],
    ['configMapKeyRef', 'ConfigMap', { configMap: { name: 'authority' } }],
  ] as const)('%s is mounted into every pod that connects', (key, kind, volume) => {
    const cluster = clusterWith(external(key));
    expect(conditionOf(cluster, 'DatabaseReady')).toBe(`False ${kind}Missing`);
    cluster.others.set(`${kind}/authority`, userObject(kind, 'authority', { 'root.pem': 'PEM' }));
    cluster.run();
    expect(conditionOf(cluster, 'Ready')).toBe('True Serving');
    const pods = [...cluster.objects.values()]
      .map((object) => (object as any).spec?.template?.spec)
      .filter((spec) => spec?.containers[0].name !== 'gateway' && spec !== undefined);
    expect(pods).toHaveLength(5);
    const items = [{ key: 'root.pem', path: 'ca.crt' }];
    const [[source, fields]] = Object.entries(volume) as [[string, object]];
    for (const { containers, volumes } of pods) {
      const [{ env, volumeMounts }] = containers;
      const path = '/etc/movie-ticketing/database/ca.crt';
      expect(env).toContainEqual({ name: 'DB_SSLROOTCERT', value: path });
      const { name } = volumeMounts.find(({ mountPath }: any) => path.startsWith(mountPath));
      expect(volumes).toContainEqual({ name, [source]: { ...fields, items } });
    }
  });
});

test('PostgreSQL logs no values of rows, statements or parameters by default', () => {
  const file = objectOf({}, 'ConfigMap/shop-postgres').data['postgresql.conf'];
  expect(file).toContain("log_error_verbosity = 'terse'");
  expect(file).toContain("log_min_error_statement = 'panic'");
  expect(file).toContain("log_parameter_max_length = '0'");
  expect(file).toContain("log_parameter_max_length_on_error = '0'");
});
