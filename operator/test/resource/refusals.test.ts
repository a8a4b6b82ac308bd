import { afterAll, describe, expect } from '@jest/globals';

import { specSchema } from '../../src/resource/movie-ticketing.schema.ts';
import { accepted, startCrdScene } from '../../testing/crd-scene.ts';

const { test, stop } = await startCrdScene();
afterAll(() => stop());

const external = { host: 'db.example.com', credentialsSecretRef: { name: 'db' } };

describe('refusals', () => {
  const limits = (requests: object, most: object) => ({
    services: { catalog: { resources: { requests, limits: most } } },
  });
  const environment = (...env: object[]) => ({ services: { catalog: { env } } });
  const parameters = (set: object) => ({ database: { managed: { parameters: set } } });
  const examples: [string, object, string][] = [
    ['two databases', { database: { managed: {}, external } }, 'set exactly one of'],
    [
      'an autoscaler with more pods at least than at most',
      { services: { users: { autoscaling: { minReplicas: 3, maxReplicas: 2 } } } },
      'minReplicas exceeds autoscaling.maxReplicas',
    ],
    [
      'a label of the operator',
      { pods: { labels: { 'app.kubernetes.io/component': 'gateway' } } },
      'the operator sets labels and annotations of',
    ],
    [
      'a database that is managed and a Cluster',
      { database: { managed: {}, cloudNativePG: {} } },
      'set exactly one of',
    ],
    [
      'as many synchronous standby servers as there are servers',
      { database: { cloudNativePG: { instances: 2, synchronous: { number: 2 } } } },
      'synchronous.number must be less than instances',
    ],
    [
      'a parameter of a Cluster that the operator sets',
      { database: { cloudNativePG: { parameters: { synchronous_commit: 'off' } } } },
      'cannot be set, because the operator sets them',
    ],
    [
      'a key of the certificate',
      parameters({ ssl_key_file: '/tmp/key' }),
      'cannot be set, because the operator sets them',
    ],
    [
      'an issuer that cert-manager does not have',
      { database: { managed: { tls: { issuerRef: { name: 'a', kind: 'Authority' } } } } },
      'supported values: "Issuer", "ClusterIssuer"',
    ],
    [
      'a collector of traces with a path',
      { monitoring: { traces: { endpoint: 'http://collector:4318/v1/traces' } } },
      'must be a URL without a path',
    ],
    ['no database', { database: {} }, 'set exactly one of database.managed, database.external and'],
    ['an external database without a host', { database: { external: {} } }, 'host: Required value'],
    [
      'a size without a unit',
      { database: { managed: { storage: { size: '10' } } } },
      'must be a size with its unit, for instance 512Mi or 2Gi',
    ],
    [
      'a malformed name of a parameter',
      parameters({ 'shared buffers': '1GB' }),
      'must be names of PostgreSQL parameters',
    ],
    [
      'a parameter that the operator sets',
      parameters({ fsync: 'off' }),
      'cannot be set, because the operator sets them',
    ],
    ['an include directive', parameters({ include: 'x.conf' }), 'cannot be set'],
    ['a boolean for a parameter', parameters({ jit: false }), 'must be of type integer,string'],
    [
      'an unknown sslMode',
      { database: { external: { ...external, sslMode: 'on' } } },
      'supported values: "disable", "require", "verify-ca", "verify-full"',
    ],
    [
      'sslMode prefer, which the services cannot do',
      { database: { external: { ...external, sslMode: 'prefer' } } },
      'supported values: "disable", "require", "verify-ca", "verify-full"',
    ],
    [
      'sslMode verify-ca without a root certificate',
      { database: { external: { ...external, sslMode: 'verify-ca' } } },
      'set database.external.sslRootCert',
    ],
    [
      'a root certificate that is not used',
      { database: { external: { ...external, sslRootCert: { secretKeyRef: { name: 'ca' } } } } },
      'is for sslMode verify-ca and verify-full',
    ],
    [
      'a root certificate without a source',
      { database: { external: { ...external, sslMode: 'verify-full', sslRootCert: {} } } },
      'set exactly one of secretKeyRef and configMapKeyRef',
    ],
    [
      'a node port below the range',
      { gateway: { service: { nodePort: 8080 } } },
      'must be 0 (the cluster chooses a free port) or from 30000 to 32767',
    ],
    [
      'a node port above the range',
      { gateway: { service: { nodePort: 40_000 } } },
      'should be less than or equal to 32767',
    ],
    [
      'a malformed name of an annotation',
      { gateway: { service: { annotations: { 'a b': 'x' } } } },
      'must be names of annotations',
    ],
    [
      'a CORS origin with a path',
      { gateway: { corsOrigins: ['https://example.com/'] } },
      'must be * or an origin like https://example.com',
    ],
    [
      'a CORS origin named twice',
      { gateway: { corsOrigins: ['https://a.example', 'https://a.example'] } },
      'Duplicate value',
    ],
    ['replicas below zero', { gateway: { replicas: -1 } }, 'greater than or equal to 0'],
    [
      'a malformed CPU',
      limits({ cpu: 'two' }, {}),
      'must be a number of cores, for instance 500m or 2',
    ],
    ['a negative CPU', limits({ cpu: -1 }, {}), 'must be a number of cores'],
    ['a CPU request over its limit', limits({ cpu: '2' }, { cpu: '500m' }), 'lower the request or'],
    [
      'a CPU request in numbers over its limit',
      limits({ cpu: 2 }, { cpu: 1 }),
      'lower the request',
    ],
    [
      'a memory request over its limit',
      limits({ memory: '2Gi' }, { memory: '2G' }),
      'requests.memory exceeds limits.memory: lower the request or raise the limit',
    ],
    ['memory in thousandths', limits({ memory: '512m' }, {}), 'must be a size with its unit'],
    [
      'an environment variable that the operator sets',
      environment({ name: 'DB_HOST', value: 'x' }),
      'the operator sets these variables from other fields',
    ],
    [
      'an environment variable without a value',
      environment({ name: 'A' }),
      'set exactly one of value and valueFrom',
    ],
    [
      'an environment variable named twice',
      environment({ name: 'A', value: '1' }, { name: 'A', value: '2' }),
      'Duplicate value',
    ],
    [
      'a malformed name of an environment variable',
      environment({ name: 'A B', value: '1' }),
      'must be the name of an environment variable',
    ],
    [
      'a value source without a key',
      environment({ name: 'A', valueFrom: {} }),
      'set exactly one of secretKeyRef and configMapKeyRef',
    ],
    [
      'a label expression without its values',
      { monitoring: { allowFrom: [{ matchExpressions: [{ key: 'a', operator: 'In' }] }] } },
      'set values for the operators In and NotIn',
    ],
    [
      'a malformed label',
      { monitoring: { allowFrom: [{ matchLabels: { 'a b': 'x' } }] } },
      'must be names of labels',
    ],
    ['a seed without its ConfigMap', { seed: { mode: 'configMap' } }, 'set seed.configMapRef'],
    [
      'a ConfigMap for the demo seed',
      { seed: { mode: 'demo', configMapRef: { name: 'movies' } } },
      'set seed.configMapRef with mode configMap, and only then',
    ],
    [
      'a registry with a scheme',
      { images: { registry: 'https://registry.example.com' } },
      'no scheme, no slash at the end',
    ],
    ['a tag with a colon', { version: 'v:1' }, 'must be an image tag, for instance 1.0.0'],
    ['a currency in lower case', { bookings: { currency: 'usd' } }, 'must be a code of ISO 4217'],
    [
      'an empty name of a Secret',
      { adminSecretRef: { name: '' } },
      'must be the name of an object',
    ],
    ['an unknown field', { replicas: 3 }, 'unknown field "spec.replicas"'],
    ['text for a number', { gateway: { replicas: 'two' } }, 'must be of type integer'],
  ];
  for (const [title, spec, message] of examples) {
    test(`refuses ${title} and says what to do`, async (resources) => {
      expect(await resources.try(spec)).toEqual({ refusal: expect.stringContaining(message) });
      expect(specSchema.safeParse(spec).success).toBe(false);
    });
  }

  const names: [string, string][] = [
    ['a'.repeat(41), 'choose a name of at most 40 characters'],
    ['7-seats', 'a letter first'],
    ['my.cinema', 'lower-case letters, digits and -'],
  ];
  for (const [name, message] of names) {
    test(`refuses the resource name ${name} and says what to do`, async (resources) => {
      expect(await resources.try({}, name)).toEqual({ refusal: expect.stringContaining(message) });
      accepted(await resources.try({}, 'a'.repeat(40)));
    });
  }
});
