import { describe, expect, test } from '@jest/globals';

import { serviceNames } from '../../src/components/names.ts';
import type { KubeObject } from '../../src/runtime/kube-object.ts';
import type { MovieTicketingSpecInput } from '../../src/resource/movie-ticketing.schema.ts';
import { resourceOf, userObject } from '../../testing/example-resource.ts';
import { conditionOf } from '../../testing/installed-cluster.ts';
import { makeSimulatedCluster, type SimulatedCluster } from '../../testing/simulated-cluster.ts';

const installed = (spec: MovieTicketingSpecInput = {}): SimulatedCluster => {
  const cluster = makeSimulatedCluster(resourceOf(spec));
  cluster.run();
  return cluster;
};

const certificate = (cluster: SimulatedCluster): KubeObject =>
  cluster.objects.get('Secret/shop-certificate')!;

const dataOf = (object: KubeObject): Record<string, string> =>
  object['data'] as Record<string, string>;

type Template = {
  metadata: { annotations: Record<string, string> };
  spec: {
    containers: { name: string; env: { name: string; value?: string }[] }[];
    volumes: { name: string; secret?: { secretName: string; items: { key: string }[] } }[];
  };
};

const templateOf = (cluster: SimulatedCluster, key: `${string}/${string}`): Template =>
  (cluster.objects.get(key)!['spec'] as { template: Template }).template;

const environmentOf = ({ spec }: Template): Record<string, string | undefined> =>
  Object.fromEntries((spec.containers[0]?.env ?? []).map(({ name, value }) => [name, value]));

const mountedKeys = ({ spec }: Template, secretName: string): string[] =>
  spec.volumes
    .filter(({ secret }) => secret?.secretName === secretName)
    .flatMap(({ secret }) => secret?.items.map(({ key }) => key) ?? []);

const templates = (cluster: SimulatedCluster): string =>
  JSON.stringify(
    [...cluster.objects.values()]
      .filter(({ kind }) => kind === 'Deployment' || kind === 'StatefulSet')
      .map((object) => object['spec']),
  );

const settle = (cluster: SimulatedCluster): void => {
  for (let step = 0; step < 20; step += 1) cluster.step();
};

describe('connections to the managed database', () => {
  test('check the certificate and the host name', () => {
    const cluster = installed();
    for (const service of serviceNames) {
      const template = templateOf(cluster, `Deployment/shop-${service}`);
      expect(environmentOf(template)).toMatchObject({
        DB_HOST: 'shop-postgres',
        DB_SSLMODE: 'verify-full',
        DB_SSLROOTCERT: '/etc/movie-ticketing/database/ca.crt',
      });
      expect(mountedKeys(template, 'shop-certificate')).toEqual(['ca.crt']);
    }
    const postgres = templateOf(cluster, 'StatefulSet/shop-postgres');
    expect(mountedKeys(postgres, 'shop-certificate')).toEqual(['tls.crt', 'tls.key']);
  });

  test('are not encrypted where the resource says so', () => {
    const cluster = installed({ database: { managed: { tls: { enabled: false } } } });
    const template = templateOf(cluster, 'Deployment/shop-users');
    expect(environmentOf(template)['DB_SSLMODE']).toBe('disable');
    expect(cluster.objects.has('Secret/shop-certificate')).toBe(false);
    expect(templateOf(cluster, 'StatefulSet/shop-postgres').spec.containers).toHaveLength(1);
  });
});

describe('the certificate', () => {
  test('is made before the database starts', () => {
    const cluster = makeSimulatedCluster(resourceOf());
    while (!cluster.objects.has('StatefulSet/shop-postgres')) {
      cluster.step();
      if (cluster.objects.has('StatefulSet/shop-postgres'))
        expect(dataOf(certificate(cluster))).toHaveProperty(['tls.key']);
    }
  });

  test('is renewed when it is due, and no pod is replaced', () => {
    const cluster = installed();
    const before = { data: dataOf(certificate(cluster)), templates: templates(cluster) };
    cluster.tick(59 * 86_400);
    settle(cluster);
    expect(dataOf(certificate(cluster))).toEqual(before.data);
    cluster.tick(86_400);
    settle(cluster);
    const after = dataOf(certificate(cluster));
    expect(after['tls.crt']).not.toBe(before.data['tls.crt']);
    expect(after['tls.key']).not.toBe(before.data['tls.key']);
    expect(templates(cluster)).toBe(before.templates);
    cluster.run();
    expect(dataOf(certificate(cluster))).toEqual(after);
  });

  test.each(['ca.key', 'tls.crt', 'tls.key'])('is made again where %s is lost', (key) => {
    const cluster = installed();
    const secret = certificate(cluster);
    const kept = Object.entries(dataOf(secret)).filter(([name]) => name !== key);
    secret['data'] = Object.fromEntries(kept);
    settle(cluster);
    expect(dataOf(certificate(cluster))).toHaveProperty([key]);
    expect(conditionOf(cluster, 'Ready')).toBe('True Serving');
  });

  test('replaces the pods of the services where its authority changed, not the database', () => {
    const cluster = installed();
    const of = (key: `${string}/${string}`) => JSON.stringify(templateOf(cluster, key));
    const before = {
      users: of('Deployment/shop-users'),
      postgres: of('StatefulSet/shop-postgres'),
    };
    dataOf(certificate(cluster))['ca.crt'] = Buffer.from('another').toString('base64');
    settle(cluster);
    expect(of('Deployment/shop-users')).not.toBe(before.users);
    expect(of('StatefulSet/shop-postgres')).toBe(before.postgres);
  });
});

describe('an issuer of cert-manager', () => {
  const issued = { database: { managed: { tls: { issuerRef: { name: 'cinema' } } } } };
  const secret = userObject('Secret', 'shop-issued', {
    'ca.crt': 'authority',
    'tls.crt': 'certificate',
    'tls.key': 'key-of-the-certificate',
  });

  test('makes the certificate, and the database waits for it', () => {
    const cluster = installed(issued);
    expect(conditionOf(cluster, 'DatabaseReady')).toBe('False CertificatePending');
    expect(cluster.objects.has('StatefulSet/shop-postgres')).toBe(false);
    const request = cluster.objects.get('Certificate/shop-postgres')!;
    expect(request['spec']).toMatchObject({
      secretName: 'shop-issued',
      dnsNames: ['shop-postgres', 'shop-postgres.cinema', 'shop-postgres.cinema.svc'],
      issuerRef: { group: 'cert-manager.io', kind: 'Issuer', name: 'cinema' },
    });
    request['status'] = {
      conditions: [{ type: 'Ready', status: 'False', message: 'the issuer cinema is not found' }],
    };
    cluster.run();
    expect(cluster.condition('DatabaseReady')?.message).toContain('the issuer cinema is not found');
    cluster.others.set('Secret/shop-issued', secret);
    request['status'] = { conditions: [{ type: 'Ready', status: 'True' }] };
    cluster.run();
    expect(conditionOf(cluster, 'Ready')).toBe('True Serving');
    const template = templateOf(cluster, 'Deployment/shop-users');
    expect(mountedKeys(template, 'shop-issued')).toEqual(['ca.crt']);
    expect(cluster.objects.has('Secret/shop-certificate')).toBe(false);
  });

  test('that gives no certificate of its own is named', () => {
    const cluster = makeSimulatedCluster(resourceOf(issued));
    const { 'ca.crt': _, ...data } = dataOf(secret);
    cluster.others.set('Secret/shop-issued', { ...secret, data });
    cluster.run();
    cluster.objects.get('Certificate/shop-postgres')!['status'] = {
      conditions: [{ type: 'Ready', status: 'True' }],
    };
    cluster.run();
    expect(cluster.condition('DatabaseReady')).toMatchObject({
      reason: 'SecretInvalid',
      message: expect.stringContaining('lacks ca.crt'),
    });
  });

  test('is missing with its kind', () => {
    const cluster = makeSimulatedCluster(resourceOf(issued));
    cluster.absentKinds.set('cert-manager.io/v1 Certificate', 'missing');
    cluster.run();
    expect(conditionOf(cluster, 'DatabaseReady')).toBe('False EngineMissing');
    expect(cluster.condition('DatabaseReady')?.message).toMatch(/Install cert-manager/);
  });
});

test('a certificate that was created when TLS is switched off is deleted, however soon that is', () => {
  for (const passes of [1, 2, 3]) {
    const cluster = makeSimulatedCluster(resourceOf({}));
    for (let pass = 0; pass < passes; pass += 1) cluster.step();
    expect([...cluster.objects.keys()]).toContain('Secret/shop-certificate');
    cluster.respec({ database: { managed: { tls: { enabled: false } } } });
    cluster.run(60);
    expect([...cluster.objects.keys()]).not.toContain('Secret/shop-certificate');
  }
});
