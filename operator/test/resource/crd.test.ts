import { afterAll, describe, expect } from '@jest/globals';
import { testIf } from '@movie-ticketing/kit/testing/skippable';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';

import { makeCustomResourceDefinition } from '../../src/resource/crd.ts';
import {
  specSchema,
  type MovieTicketing,
  type MovieTicketingStatus,
} from '../../src/resource/movie-ticketing.schema.ts';
import { hasApiServer, lacksApiServer, startApiServer } from '../../testing/api-server.ts';
import { installCrd, makeMovieTicketings, type Answer } from '../../testing/crd.ts';

const api = hasApiServer ? await startApiServer() : undefined;
if (api !== undefined) await installCrd(api.kubeconfig);
afterAll(() => api?.stop());

type Resources = ReturnType<typeof makeMovieTicketings>;

const test = (title: string, run: (resources: Resources) => Promise<void>): void => {
  testIf(api !== undefined, lacksApiServer)(
    title,
    async () => run(makeMovieTicketings(api!.kubeconfig, await api!.namespace())),
    60_000,
  );
};

const accepted = (answer: Answer): MovieTicketing => {
  if ('refusal' in answer) throw new Error(answer.refusal);
  return answer.resource;
};

const external = { host: 'db.example.com', credentialsSecretRef: { name: 'db' } };

describe('what the API server makes of a spec', () => {
  test('when nothing is said, then it is the whole system that zod reads from {}', async (resources) => {
    for (const nothing of [undefined, {}]) {
      expect(accepted(await resources.try(nothing)).spec).toEqual(specSchema.parse({}));
    }
  });

  const good: [string, object][] = [
    ['an external database', { database: { external } }],
    ['storage of a class', { database: { managed: { storage: { storageClassName: 'fast' } } } }],
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
    ['a seed from a ConfigMap', { seed: { mode: 'configMap', configMapRef: { name: 'films' } } }],
    ['one service alone', { services: { users: { replicas: 3 } } }],
    ['TLS and limits', { gateway: { tls: { secretName: 'tls' }, rateLimit: 50 } }],
  ];
  for (const [what, spec] of good) {
    test(`when it has ${what}, then defaults are filled in around it`, async (resources) => {
      expect(accepted(await resources.try(spec)).spec).toEqual(specSchema.parse(spec));
    });
  }
});

describe('what the API server refuses', () => {
  const limits = (requests: object, most: object) => ({
    services: { catalog: { resources: { requests, limits: most } } },
  });
  const bad: [string, object, string][] = [
    ['both databases', { database: { managed: {}, external } }, 'set exactly one of'],
    ['no database', { database: {} }, 'set exactly one of database.managed and'],
    ['an external database of no host', { database: { external: {} } }, 'host: Required value'],
    [
      'a size without unit',
      { database: { managed: { storage: { size: '10' } } } },
      'must be a size with its unit, for instance 512Mi or 2Gi',
    ],
    [
      'a parameter that is none',
      { database: { managed: { parameters: { 'shared buffers': '1GB' } } } },
      'must be names of PostgreSQL parameters',
    ],
    [
      'a sslMode of its own',
      { database: { external: { ...external, sslMode: 'on' } } },
      'supported values: "disable", "prefer", "require", "verify-ca", "verify-full"',
    ],
    [
      'a node port below the range',
      { gateway: { service: { nodePort: 8080 } } },
      'should be greater than or equal to 30000',
    ],
    [
      'a node port above the range',
      { gateway: { service: { nodePort: 40_000 } } },
      'should be less than or equal to 32767',
    ],
    ['replicas below zero', { gateway: { replicas: -1 } }, 'greater than or equal to 0'],
    [
      'cores that are no number',
      limits({ cpu: 'two' }, {}),
      'must be a number of cores, for instance 500m or 2',
    ],
    ['a request over its limit', limits({ cpu: '2' }, { cpu: '500m' }), 'lower the request or'],
    [
      'a request of memory over its limit',
      limits({ memory: '2Gi' }, { memory: '2G' }),
      'requests.memory exceeds limits.memory: lower the request or raise the limit',
    ],
    ['memory in thousandths', limits({ memory: '512m' }, {}), 'must be a size with its unit'],
    ['a seed without its ConfigMap', { seed: { mode: 'configMap' } }, 'set seed.configMapRef'],
    [
      'a ConfigMap for a demo',
      { seed: { mode: 'demo', configMapRef: { name: 'films' } } },
      'set seed.configMapRef with mode configMap, and only then',
    ],
    ['a tag with a colon', { version: 'v:1' }, 'must be an image tag, for instance 1.0.0'],
    ['a currency in words', { bookings: { currency: 'usd' } }, 'must be a code of ISO 4217'],
    ['a Secret of no name', { adminSecretRef: { name: '' } }, 'must be the name of an object'],
    ['a field nobody knows', { replicas: 3 }, 'unknown field "spec.replicas"'],
    ['a word for a number', { gateway: { replicas: 'two' } }, 'must be of type integer'],
  ];
  for (const [what, spec, message] of bad) {
    test(`when it has ${what}, then it says what to do`, async (resources) => {
      expect(await resources.try(spec)).toEqual({ refusal: expect.stringContaining(message) });
      expect(specSchema.safeParse(spec).success).toBe(false);
    });
  }

  const names: [string, string][] = [
    ['a'.repeat(41), 'choose one of at most 40 characters'],
    ['7-seats', 'a letter first'],
    ['my.cinema', 'lower-case letters, digits and -'],
  ];
  for (const [name, message] of names) {
    test(`when the resource is named ${name}, then it says what to do`, async (resources) => {
      expect(await resources.try({}, name)).toEqual({ refusal: expect.stringContaining(message) });
      accepted(await resources.try({}, 'a'.repeat(40)));
    });
  }
});

describe('what may change', () => {
  const sized = (size: string, more: object = {}) => ({
    database: { managed: { storage: { size, ...more } } },
  });
  const moves: [string, object, object, string | undefined][] = [
    ['storage grows', sized('10Gi'), sized('20Gi'), undefined],
    ['storage keeps its size in other words', sized('1Ti'), sized('1024Gi'), undefined],
    ['storage shrinks', sized('20Gi'), sized('19.5Gi'), 'set size to the present one or larger'],
    ['storage falls back to the default', sized('20Gi'), {}, 'storage never shrinks'],
    ['a class is taken', sized('10Gi'), sized('10Gi', { storageClassName: 'fast' }), 'restore a'],
    ['the database moves out', {}, { database: { external } }, 'make a new resource and move'],
    ['the database moves in', { database: { external } }, {}, 'make a new resource and move'],
    ['replicas fall', {}, { services: { users: { replicas: 1 } } }, undefined],
  ];
  for (const [what, before, after, refusal] of moves) {
    const outcome = refusal === undefined ? 'accepted' : 'refused with what to do';
    test(`when ${what}, then it is ${outcome}`, async (resources) => {
      const made = accepted(await resources.create('shop', before));
      const answer = await resources.replace(made, after);
      if (refusal === undefined) expect(accepted(answer).spec).toEqual(specSchema.parse(after));
      else expect(answer).toEqual({ refusal: expect.stringContaining(refusal) });
    });
  }
});

describe('the status', () => {
  const status: MovieTicketingStatus = {
    observedGeneration: 1,
    phase: 'Running',
    version: '1.0.0',
    url: 'http://192.168.49.2:30080',
    replicas: { catalog: 2, users: 2, bookings: 2, gateway: 2 },
    migrations: { current: '1_x', lastJob: 'shop-migrate-1', completedAt: '2026-01-01T00:00:00Z' },
    seededBy: 'shop-seed-1',
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

  test('when it is written, then it is kept whole and the spec stays, and the other way round', async (resources) => {
    const made = accepted(await resources.create('shop', {}));
    const changed = { ...made, spec: { ...made.spec, paused: true } };
    const written = accepted(await resources.replaceStatus(changed, status));
    expect(written.status).toEqual(status);
    expect(written.spec.paused).toBe(false);
    expect(written.metadata.generation).toBe(1);
    const replaced = accepted(await resources.replace(written, { paused: true }));
    expect(replaced.status).toEqual(status);
    expect(replaced.metadata.generation).toBe(2);
  });

  test('when it has a condition of no known type, then it is refused', async (resources) => {
    const made = accepted(await resources.create('shop', {}));
    const odd = { ...status, conditions: [{ ...status.conditions![0]!, type: 'Odd' }] };
    expect(await resources.replaceStatus(made, odd)).toHaveProperty('refusal');
  });
});

describe('the committed CRD', () => {
  testIf(true, '')('when it is read, then it is what the schema makes', () => {
    const file = join(import.meta.dirname, '../../../crds/movieticketings.movieticketing.io.yaml');
    expect(parse(readFileSync(file, 'utf8'))).toEqual(makeCustomResourceDefinition());
  });

  testIf(true, '')('when a field is looked up, then it has a description', () => {
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
