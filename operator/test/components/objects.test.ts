import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, test } from '@jest/globals';
import { bookingsEnvironment } from '@movie-ticketing/bookings/bookings.environment';
import { catalogEnvironment } from '@movie-ticketing/catalog/catalog.environment';
import { allEndpoints } from '@movie-ticketing/gateway/all-endpoints';
import { makeRouteTable } from '@movie-ticketing/gateway/route-table';
import { usersEnvironment } from '@movie-ticketing/users/users.environment';

import { imageOf } from '../../src/components/images.ts';
import { serviceNames } from '../../src/components/names.ts';
import { components } from '../../src/components/components.ts';
import { resourcesOf } from '../../src/components/pods.ts';
import { parametersConfig } from '../../src/components/postgres/postgres-parameters.ts';
import { httpProbes } from '../../src/components/rolling-update.ts';
import type { Manifest } from '../../src/objects/manifest.ts';
import { userObject, resourceOf, testSettings } from '../../testing/example-resource.ts';
import { makeSimulatedCluster } from '../../testing/simulated-cluster.ts';

const installedObjects = (): Manifest[] => {
  const cluster = makeSimulatedCluster(
    resourceOf({ seed: { mode: 'demo' }, gateway: { tls: { secretName: 'cert' } } }),
  );
  const pair = { 'tls.crt': 'certificate', 'tls.key': 'a-private-key' };
  cluster.others.set('Secret/cert', userObject('Secret', 'cert', pair));
  cluster.run();
  return [...cluster.objects.values()] as Manifest[];
};

const objects = installedObjects();
const podSpecs = objects.flatMap((object): [string, any][] => {
  const template = (object['spec'] as any)?.template;
  return template === undefined ? [] : [[object.metadata.name, template.spec]];
});

describe('every pod', () => {
  test('pods of one component spread over nodes and zones, and a drain takes one at a time', () => {
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

  test('meets Pod Security "restricted", with a read-only root file system', () => {
    expect(podSpecs).toHaveLength(8);
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
        },
      });
      for (const container of spec.containers) {
        expect({ name, container }).toMatchObject({
          name,
          container: {
            securityContext: {
              allowPrivilegeEscalation: false,
              readOnlyRootFilesystem: true,
              capabilities: { drop: ['ALL'] },
            },
            resources: { requests: { cpu: expect.any(String) }, limits: expect.anything() },
            terminationMessagePolicy: 'FallbackToLogsOnError',
          },
        });
      }
    }
  });

  test('of a Deployment has three probes and a preStop delay', () => {
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
                lifecycle: { preStop: { sleep: { seconds: 8 } } },
              },
            ],
          },
        },
      });
    }
  });

  test('of a Deployment serves on for longer than a connection to it is used', () => {
    const gateway = join(import.meta.dirname, '../../../services/gateway');
    const lifetimes = ['nginx/start.sh', 'src/nginx-config.ts'].map((file) =>
      Number(/keepalive_time (\d+)s/.exec(readFileSync(join(gateway, file), 'utf8'))?.[1]),
    );
    // Endpoints reach every node within two seconds or so.
    expect(httpProbes.lifecycle.preStop.sleep.seconds).toBeGreaterThan(Math.max(...lifetimes) + 2);
  });

  test('contains no value of a Secret', () => {
    const rest = JSON.stringify(objects.filter(({ kind }) => kind !== 'Secret'));
    expect(rest).not.toMatch(/database-password|admin-password/);
  });
});

describe('the environment of a service', () => {
  test.each([
    ['catalog', catalogEnvironment],
    ['users', usersEnvironment],
    ['bookings', bookingsEnvironment],
  ])('%s accepts every variable and knows each of them', (service, schema) => {
    const config = objects.find(
      ({ kind, metadata }) => kind === 'ConfigMap' && metadata.name === `shop-${service}`,
    );
    const [, spec] = podSpecs.find(([name]) => name === `shop-${service}`) ?? [];
    const values = spec.containers[0].env.map(({ name, value, valueFrom }: any) => {
      const { key } = valueFrom?.configMapKeyRef ?? {};
      const secret = name === 'ADMIN_EMAIL' ? 'a@example.com' : 'long-password';
      return [name, value ?? (key === undefined ? secret : (config?.['data'] as any)[key])];
    });
    const mounted = { DB_SSLROOTCERT: join(import.meta.dirname, 'authority.pem') };
    const environment = { ...Object.fromEntries(values), ...mounted };
    expect(schema.safeParse(environment).error).toBeUndefined();
    expect(Object.keys(environment)).toEqual(
      expect.arrayContaining(Object.keys(config?.['data'] as object)),
    );
    const known = Object.keys(schema.shape);
    expect(Object.keys(environment).filter((name) => !known.includes(name))).toEqual([]);
  });
});

describe('a collector of traces', () => {
  test.each([
    ['http://collector.monitoring:4318', 4_318],
    ['https://traces.example.com', 443],
    ['http://traces.example.com', 80],
  ])('%s is told to the services, and their network policies admit its port', (endpoint, port) => {
    const cluster = makeSimulatedCluster(resourceOf({ monitoring: { traces: { endpoint } } }));
    cluster.run();
    const settings = cluster.objects.get('ConfigMap/shop-bookings')?.['data'];
    expect(settings).toMatchObject({ OTEL_EXPORTER_OTLP_ENDPOINT: endpoint });
    const policy = cluster.objects.get('NetworkPolicy/shop-bookings')?.['spec'] as any;
    expect(policy.egress).toContainEqual({ ports: [{ protocol: 'TCP', port }] });
    const gateway = cluster.objects.get('NetworkPolicy/shop-gateway')?.['spec'] as any;
    expect(gateway.egress).not.toContainEqual({ ports: [{ protocol: 'TCP', port }] });
  });
});

describe('network policies', () => {
  const routes = makeRouteTable(allEndpoints());
  const resource = resourceOf();
  const connections = components.flatMap((component) =>
    component.connectsTo(resource).map(({ to, port }) => ({ from: component.name, to, port })),
  );
  const policyOf = (name: string): any =>
    objects.find(({ kind, metadata }) => kind === 'NetworkPolicy' && metadata.name === name)?.[
      'spec'
    ];
  const peersOf = (rule: any): string[] =>
    rule.from.map(({ podSelector }: any) => podSelector.matchLabels['app.kubernetes.io/component']);

  test('the gateway reaches the services of the route table and nothing else', () => {
    const reached = connections.filter(({ from }) => from === 'gateway');
    const routed = new Set(routes.map(({ service }) => service).filter((s) => s !== 'gateway'));
    expect(new Set(reached.map(({ to }) => to))).toEqual(routed);
    expect(reached.every(({ port }) => port === 8080)).toBe(true);
  });

  test('the other services reach the service that publishes the token keys', () => {
    const publisher = routes.find(({ path }) => path === '/.well-known/jwks.json')?.service;
    const reached = connections.filter(({ from, to }) => to === publisher && from !== 'gateway');
    expect(reached.map(({ from }) => from)).toEqual(serviceNames.filter((s) => s !== publisher));
  });

  test('every connection goes to a declared component', () => {
    const declared = new Set<string>(components.map(({ name }) => name));
    const isDeclared = ({ to }: { to: unknown }) => to === 'any' || declared.has(String(to));
    expect(connections.filter((connection) => !isDeclared(connection))).toEqual([]);
  });

  test('all pods are isolated, and the database admits its clients only', () => {
    expect(policyOf('shop-isolation')).toMatchObject({
      podSelector: { matchLabels: { 'movieticketing.io/resource': 'shop' } },
      policyTypes: ['Ingress', 'Egress'],
    });
    expect(policyOf('shop-isolation').ingress).toBeUndefined();
    const postgres = policyOf('shop-postgres');
    expect(peersOf(postgres.ingress[0]).toSorted()).toEqual([
      'bookings',
      'catalog',
      'migrations',
      'seed',
      'users',
    ]);
    expect(postgres.egress).toEqual([]);
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
  ])('%s with registry %s becomes %s', (configured, registry, image) => {
    const resource = resourceOf({
      version: '2.0.0',
      images: registry === undefined ? {} : { registry },
    });
    const images = { ...testSettings.images, catalog: configured };
    expect(imageOf('catalog', resource, { ...testSettings, images })).toBe(image);
  });
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
  ])('%j: no request exceeds its limit', (spec, expected) => {
    expect(resourcesOf(standard, spec)).toEqual(expected);
  });
});

describe('PostgreSQL parameters', () => {
  const fileWith = (parameters: Record<string, string>): string =>
    parametersConfig(resourceOf({ database: { managed: { parameters } } }))['postgresql.conf'] ??
    '';

  test('quotes and backslashes in a value are escaped', () => {
    const file = fileWith({ application_name: "it's \\ odd" });
    expect(file).toContain("application_name = 'it''s \\\\ odd'");
  });

  test('max_connections is 300 unless the resource sets it', () => {
    expect(fileWith({})).toContain("max_connections = '300'");
    expect(fileWith({ max_connections: '50' })).toContain("max_connections = '50'");
    expect(fileWith({ max_connections: '50' })).not.toContain('300');
  });

  test('durability cannot be switched off', () => {
    expect(fileWith({})).toContain("fsync = 'on'");
  });
});
