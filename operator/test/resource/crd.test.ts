import { afterAll, describe, expect, test as plainTest } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';

import { makeCustomResourceDefinition } from '../../src/resource/crd.ts';
import {
  specSchema,
  type MovieTicketingStatus,
} from '../../src/resource/movie-ticketing.schema.ts';
import { accepted, startCrdScene } from '../../testing/crd-scene.ts';

const { test, stop } = await startCrdScene();
afterAll(() => stop());

const external = { host: 'db.example.com', credentialsSecretRef: { name: 'db' } };

describe('defaults', () => {
  test('an empty spec gets the defaults of the zod schema', async (resources) => {
    for (const empty of [undefined, {}]) {
      expect(accepted(await resources.try(empty)).spec).toEqual(specSchema.parse({}));
    }
  });

  const examples: [string, object][] = [
    ['an external database', { database: { external } }],
    ['a storage class', { database: { managed: { storage: { storageClassName: 'fast' } } } }],
    ['parameters', { database: { managed: { parameters: { shared_buffers: '1GB' } } } }],
    [
      'requests within limits',
      {
        services: {
          bookings: {
            resources: { requests: { cpu: '500m', memory: '512Mi' }, limits: { cpu: '0.5' } },
          },
        },
      },
    ],
    ['a seed from a ConfigMap', { seed: { mode: 'configMap', configMapRef: { name: 'movies' } } }],
    ['one service', { services: { users: { replicas: 3 } } }],
    ['TLS and a rate limit', { gateway: { tls: { secretName: 'tls' }, rateLimit: 50 } }],
    [
      'a load balancer behind a proxy',
      {
        gateway: {
          service: {
            type: 'LoadBalancer',
            externalTrafficPolicy: 'Local',
            annotations: { 'service.beta.kubernetes.io/aws-load-balancer-type': 'external' },
          },
          trustedProxyHops: 1,
          corsOrigins: ['https://example.com', 'http://localhost:3000', 'http://[::1]:8080', '*'],
          resources: { limits: { memory: '512Mi' } },
        },
      },
    ],
    ['a node port that the cluster chooses', { gateway: { service: { nodePort: 0 } } }],
    ['a registry with a port', { images: { registry: 'localhost:5000/a/b-c' } }],
    ['tickets per booking', { bookings: { maxTicketsPerBooking: 20 } }],
    ['resources of Jobs', { jobs: { resources: { requests: { cpu: '1' } } } }],
    ['an autoscaler', { services: { bookings: { autoscaling: { maxReplicas: 5 } } } }],
    [
      'metrics of an autoscaler',
      {
        services: {
          catalog: {
            autoscaling: {
              minReplicas: 1,
              maxReplicas: 5,
              metrics: [{ type: 'Pods', pods: { metric: { name: 'requests' } } }],
            },
          },
        },
      },
    ],
    [
      'where pods run',
      {
        pods: {
          labels: { 'example.com/team': 'tickets' },
          tolerations: [{ key: 'only', operator: 'Exists' }],
          affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: {} } },
        },
      },
    ],
    ['a rotation', { rotation: { databasePasswords: { everyDays: 30 } } }],
    [
      'environment variables',
      {
        services: {
          catalog: {
            env: [
              { name: 'OTEL_SERVICE_NAME', value: 'catalog' },
              { name: 'BOOKING_QUEUE_LIMIT', value: '500' },
              { name: 'A', valueFrom: { secretKeyRef: { name: 'otel', key: 'headers' } } },
              { name: 'B', valueFrom: { configMapKeyRef: { name: 'otel', key: 'endpoint' } } },
            ],
          },
        },
      },
    ],
    [
      'namespaces that may read metrics',
      {
        monitoring: {
          allowFrom: [
            { matchLabels: { 'kubernetes.io/metadata.name': 'monitoring' } },
            { matchExpressions: [{ key: 'team', operator: 'In', values: ['sre'] }] },
            {},
          ],
        },
      },
    ],
    [
      'a root certificate from a Secret',
      {
        database: {
          external: {
            ...external,
            sslMode: 'verify-ca',
            sslRootCert: { secretKeyRef: { name: 'ca' } },
          },
        },
      },
    ],
    [
      'a root certificate from a ConfigMap',
      {
        database: {
          external: {
            ...external,
            sslMode: 'verify-full',
            sslRootCert: { configMapKeyRef: { name: 'ca', key: 'root.pem' } },
          },
        },
      },
    ],
  ];
  for (const [title, spec] of examples) {
    test(`fills in defaults around ${title}`, async (resources) => {
      expect(accepted(await resources.try(spec)).spec).toEqual(specSchema.parse(spec));
    });
  }

  test('accepts whole numbers for CPU and for PostgreSQL parameters', async (resources) => {
    const sent = {
      database: {
        managed: {
          parameters: { max_connections: 500, work_mem: '8MB' },
          resources: { requests: { cpu: 1 }, limits: { cpu: 2 } },
        },
      },
    };
    const { spec } = accepted(await resources.try(sent));
    expect(spec.database).toMatchObject(sent.database);
    expect(specSchema.parse(spec).database.managed).toMatchObject({
      parameters: { max_connections: '500', work_mem: '8MB' },
      resources: { requests: { cpu: '1' }, limits: { cpu: '2' } },
    });
  });
});

describe('changes', () => {
  const sized = (size: string, more: object = {}) => ({
    database: { managed: { storage: { size, ...more } } },
  });
  const euro = { bookings: { currency: 'EUR' } };
  const changes: [string, object, object, string | undefined][] = [
    ['a larger volume size', sized('10Gi'), sized('20Gi'), undefined],
    ['a smaller volume size, to undo an expansion', sized('20Gi'), sized('10Gi'), undefined],
    ['a storage class', sized('10Gi'), sized('10Gi', { storageClassName: 'fast' }), undefined],
    ['managed to external', {}, { database: { external } }, 'create a new resource and move'],
    ['external to managed', { database: { external } }, {}, 'create a new resource and move'],
    ['fewer replicas', {}, { services: { users: { replicas: 1 } } }, undefined],
    ['another currency before the system has served', {}, euro, undefined],
  ];
  for (const [title, before, after, refusal] of changes) {
    const outcome = refusal === undefined ? 'accepts' : 'refuses';
    test(`${outcome} ${title}`, async (resources) => {
      const created = accepted(await resources.create('cinema', before));
      const answer = await resources.replace(created, after);
      if (refusal === undefined) expect(accepted(answer).spec).toEqual(specSchema.parse(after));
      else expect(answer).toEqual({ refusal: expect.stringContaining(refusal) });
    });
  }

  test('refuses another currency once the system has served', async (resources) => {
    const created = accepted(await resources.create('cinema', {}));
    const served = accepted(await resources.replaceStatus(created, { version: '1.0.0' }));
    expect(await resources.replace(served, euro)).toEqual({
      refusal: expect.stringContaining('spec.bookings.currency cannot change'),
    });
    accepted(await resources.replace(served, { paused: true }));
  });
});

describe('the status', () => {
  const status: MovieTicketingStatus = {
    observedGeneration: 1,
    phase: 'Running',
    version: '1.0.0',
    url: 'http://192.168.49.2:30080',
    replicas: { catalog: 2, users: 2, bookings: 2, gateway: 2 },
    migrations: {
      current: '1_x',
      lastJob: 'cinema-migrate-1',
      completedAt: '2026-01-01T00:00:00Z',
    },
    seededBy: 'cinema-seed-1',
    conditions: [
      {
        type: 'Ready',
        status: 'True',
        reason: 'AllReady',
        message: 'tickets can be booked',
        lastTransitionTime: '2026-01-01T00:00:00Z',
        observedGeneration: 1,
      },
    ],
  };

  test('is written apart from the spec', async (resources) => {
    const created = accepted(await resources.create('cinema', {}));
    const changed = { ...created, spec: { ...created.spec, paused: true } };
    const written = accepted(await resources.replaceStatus(changed, status));
    expect(written.status).toEqual(status);
    expect(written.spec.paused).toBe(false);
    expect(written.metadata.generation).toBe(1);
    const replaced = accepted(await resources.replace(written, { paused: true }));
    expect(replaced.status).toEqual(status);
    expect(replaced.metadata.generation).toBe(2);
  });

  test('refuses an unknown type of condition', async (resources) => {
    const created = accepted(await resources.create('cinema', {}));
    const odd = { ...status, conditions: [{ ...status.conditions![0]!, type: 'Odd' }] };
    expect(await resources.replaceStatus(created, odd)).toHaveProperty('refusal');
  });
});

describe('the committed CRD', () => {
  plainTest('equals what the schema generates', () => {
    const file = join(import.meta.dirname, '../../../crds/movieticketings.movieticketing.io.yaml');
    expect(parse(readFileSync(file, 'utf8'))).toEqual(makeCustomResourceDefinition());
  });

  plainTest('describes every field', () => {
    const missing: string[] = [];
    const walk = (schema: any, path: string): void => {
      for (const [name, field] of Object.entries<any>(schema.properties ?? {})) {
        if (field.description === undefined) missing.push(`${path}.${name}`);
        walk(field.items ?? field, `${path}.${name}`);
      }
    };
    const [version] = makeCustomResourceDefinition().spec.versions;
    const { spec, status } = version!.schema.openAPIV3Schema.properties!;
    walk(spec, 'spec');
    walk(status, 'status');
    expect(missing).toEqual([]);
  });
});
