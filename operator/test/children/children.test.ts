import { describe, expect, test } from '@jest/globals';
import { bookingsEnvironment } from '@movie-ticketing/bookings/bookings.environment';
import { catalogEnvironment } from '@movie-ticketing/catalog/catalog.environment';
import { allEndpoints } from '@movie-ticketing/gateway/all-endpoints';
import { makeRouteTable } from '@movie-ticketing/gateway/route-table';
import { usersEnvironment } from '@movie-ticketing/users/users.environment';

import { imageOf } from '../../src/children/images.ts';
import { serviceNames } from '../../src/children/names.ts';
import { connections, networkPolicies } from '../../src/children/network-policies.ts';
import { resourcesOf } from '../../src/children/pod-security.ts';
import { postgresConfigMap } from '../../src/children/postgres-parameters.ts';
import type { Manifest } from '../../src/reconcile/observed.ts';
import { givenObject, resourceOf, testSettings } from '../../testing/example-resource.ts';
import { makeSimulatedCluster } from '../../testing/simulated-cluster.ts';

const installedObjects = (): Manifest[] => {
  const cluster = makeSimulatedCluster(
    resourceOf({ seed: { mode: 'demo' }, gateway: { tls: { secretName: 'cert' } } }),
  );
  const pair = { 'tls.crt': 'certificate', 'tls.key': 'a-private-key' };
  cluster.others.set('Secret/cert', givenObject('Secret', 'cert', pair));
  cluster.run();
  return [...cluster.objects.values()] as Manifest[];
};

const objects = installedObjects();
const podSpecs = objects.flatMap((object): [string, any][] => {
  const template = (object['spec'] as any)?.template;
  return template === undefined ? [] : [[object.metadata.name, template.spec]];
});

describe('every pod', () => {
  test('when there are several of a kind, then they lie on several nodes and zones where there are any, and one may be away', () => {
    for (const component of ['catalog', 'users', 'bookings', 'gateway']) {
      const spec = new Map(podSpecs).get(`shop-${component}`);
      const spreads = spec.topologySpreadConstraints.map((spread: { topologyKey: string }) => [
        spread.topologyKey,
        spread,
      ]);
      expect(spreads).toEqual(
        ['kubernetes.io/hostname', 'topology.kubernetes.io/zone'].map((key) => [
          key,
          expect.objectContaining({ maxSkew: 1, whenUnsatisfiable: 'ScheduleAnyway' }),
        ]),
      );
      const budget = objects.find(
        ({ kind, metadata }) =>
          kind === 'PodDisruptionBudget' && metadata.name === `shop-${component}`,
      );
      expect(budget?.['spec']).toMatchObject({ maxUnavailable: 1 });
    }
  });

  test('when it is made, then it meets Pod Security "restricted", and more', () => {
    expect(podSpecs).toHaveLength(7);
    for (const [name, spec] of podSpecs) {
      expect({ name, spec }).toMatchObject({
        name,
        spec: {
          automountServiceAccountToken: false,
          enableServiceLinks: false,
          serviceAccountName: expect.any(String),
          securityContext: {
            runAsNonRoot: true,
            runAsUser: expect.any(Number),
            seccompProfile: { type: 'RuntimeDefault' },
          },
          containers: [
            {
              securityContext: {
                allowPrivilegeEscalation: false,
                readOnlyRootFilesystem: true,
                capabilities: { drop: ['ALL'] },
              },
              resources: { requests: { cpu: expect.any(String) }, limits: expect.anything() },
              terminationMessagePolicy: 'FallbackToLogsOnError',
            },
          ],
        },
      });
    }
  });

  test('when it serves, then it has three probes and is drained before it ends', () => {
    for (const object of objects.filter(({ kind }) => kind === 'Deployment')) {
      expect(object['spec']).toMatchObject({
        strategy: { rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } },
        template: {
          spec: {
            containers: [
              {
                startupProbe: expect.anything(),
                readinessProbe: expect.anything(),
                livenessProbe: expect.anything(),
                lifecycle: { preStop: { sleep: { seconds: 5 } } },
              },
            ],
          },
        },
      });
    }
  });

  test('when a Secret is used, then no value of it stands in any object but the Secret', () => {
    const rest = JSON.stringify(objects.filter(({ kind }) => kind !== 'Secret'));
    expect(rest).not.toMatch(/database-password|admin-password/);
  });
});

describe('what services are told', () => {
  test.each([
    ['catalog', catalogEnvironment],
    ['users', usersEnvironment],
    ['bookings', bookingsEnvironment],
  ])('when %s starts, then its environment takes all of it', (service, schema) => {
    const config = objects.find(
      ({ kind, metadata }) => kind === 'ConfigMap' && metadata.name === `shop-${service}`,
    );
    const [, spec] = podSpecs.find(([name]) => name === `shop-${service}`) ?? [];
    const values = spec.containers[0].env.map(({ name, value, valueFrom }: any) => {
      const { key } = valueFrom?.configMapKeyRef ?? {};
      const secret = name === 'ADMIN_EMAIL' ? 'a@example.com' : 'long-password';
      return [name, value ?? (key === undefined ? secret : (config?.['data'] as any)[key])];
    });
    const environment = Object.fromEntries(values);
    expect(schema.safeParse(environment).error).toBeUndefined();
    expect(Object.keys(environment)).toEqual(
      expect.arrayContaining(Object.keys(config?.['data'] as object)),
    );
    const known = Object.keys(schema.shape);
    expect(Object.keys(environment).filter((name) => !known.includes(name))).toEqual([]);
  });
});

describe('network policies', () => {
  const routes = makeRouteTable(allEndpoints());
  const resource = resourceOf();

  test('when the route table names a service, then the gateway reaches it, and nothing else', () => {
    const reached = connections(resource).filter(({ from }) => from === 'gateway');
    const named = new Set(routes.map(({ service }) => service).filter((s) => s !== 'gateway'));
    expect(new Set(reached.map(({ to }) => to))).toEqual(named);
    expect(reached.every(({ port }) => port === 8080)).toBe(true);
  });

  test('when tokens are checked, then the others reach whoever publishes the keys', () => {
    const publisher = routes.find(({ path }) => path === '/.well-known/jwks.json')?.service;
    const reached = connections(resource).filter(
      ({ from, to }) => to === publisher && from !== 'gateway',
    );
    expect(reached.map(({ from }) => from)).toEqual(serviceNames.filter((s) => s !== publisher));
  });

  test('when pods are selected, then all are isolated, and the database is reached by its clients', () => {
    const policies = networkPolicies(resource);
    expect(policies[0]?.['spec']).toMatchObject({
      podSelector: { matchLabels: { 'movieticketing.io/resource': 'shop' } },
      policyTypes: ['Ingress', 'Egress'],
    });
    expect((policies[0]?.['spec'] as any).ingress).toBeUndefined();
    const postgres = policies.find(({ metadata }) => metadata.name === 'shop-postgres')?.['spec'];
    const peers = (postgres as any).ingress[0].from.map(
      ({ podSelector }: any) => podSelector.matchLabels['app.kubernetes.io/component'],
    );
    expect(peers).toEqual(['catalog', 'users', 'bookings', 'migrations', 'seed']);
    expect((postgres as any).egress).toEqual([]);
  });
});

describe('an image', () => {
  test.each([
    ['movie-ticketing-catalog', undefined, 'movie-ticketing-catalog:2.0.0'],
    [
      'movie-ticketing-catalog',
      'localhost:5000/x',
      'localhost:5000/x/movie-ticketing-catalog:2.0.0',
    ],
    [
      'ghcr.io/acme/movie-ticketing-catalog',
      undefined,
      'ghcr.io/acme/movie-ticketing-catalog:2.0.0',
    ],
    ['localhost:5000/catalog', undefined, 'localhost:5000/catalog:2.0.0'],
    ['movie-ticketing-catalog:3f2a', 'ignored.example.com', 'movie-ticketing-catalog:3f2a'],
    ['r.example.com/catalog@sha256:ab', undefined, 'r.example.com/catalog@sha256:ab'],
  ])(
    'when the operator has %s and the resource %s, then it is %s',
    (configured, registry, image) => {
      const resource = resourceOf({
        version: '2.0.0',
        images: registry === undefined ? {} : { registry },
      });
      const images = { ...testSettings.images, catalog: configured };
      expect(imageOf('catalog', resource, { ...testSettings, images })).toBe(image);
    },
  );
});

describe('resources', () => {
  const standard = { requests: { cpu: '50m', memory: '128Mi' }, limits: { memory: '512Mi' } };
  test.each([
    [undefined, standard],
    [{ requests: { memory: '200Mi' } }, { ...standard, requests: { cpu: '50m', memory: '200Mi' } }],
    [
      { requests: { memory: '1Gi' } },
      { requests: { cpu: '50m', memory: '1Gi' }, limits: { memory: '1Gi' } },
    ],
    [
      { limits: { memory: '64Mi' } },
      { requests: { cpu: '50m', memory: '64Mi' }, limits: { memory: '64Mi' } },
    ],
  ])('when %j is given, then no request is above its limit', (given, expected) => {
    expect(resourcesOf(standard, given)).toEqual(expected);
  });
});

describe('PostgreSQL’s parameters', () => {
  test('when a value holds quotes and backslashes, then they are escaped; promises stay', () => {
    const resource = resourceOf({
      database: { managed: { parameters: { application_name: "it's \\ odd" } } },
    });
    const { managed } = resource.spec.database;
    if (managed === undefined) throw new Error('it is managed');
    const { 'postgresql.conf': file = '' } = postgresConfigMap(resource, managed)['data'] as Record<
      string,
      string
    >;
    expect(file).toContain("application_name = 'it''s \\\\ odd'");
    expect(file).toContain("fsync = 'on'");
  });

  test('when the resource says how many connections, then those; else enough for more pods', () => {
    const fileWith = (parameters: Record<string, string>): string => {
      const resource = resourceOf({ database: { managed: { parameters } } });
      return JSON.stringify(postgresConfigMap(resource, resource.spec.database.managed!));
    };
    expect(fileWith({})).toContain("max_connections = '300'");
    expect(fileWith({ max_connections: '50' })).toContain("max_connections = '50'");
    expect(fileWith({ max_connections: '50' })).not.toContain('300');
  });
});
