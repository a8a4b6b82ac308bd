import { afterAll, expect } from '@jest/globals';
import { testIf } from '@movie-ticketing/kit/testing/skippable';
import fc from 'fast-check';

import { specSchema } from '../../src/resource/movie-ticketing.schema.ts';
import { hasApiServer, lacksApiServer, startApiServer } from '../../testing/api-server.ts';
import { installCrd, makeMovieTicketings } from '../../testing/crd.ts';

const api = hasApiServer ? await startApiServer() : undefined;
if (api !== undefined) await installCrd(api.kubeconfig);
afterAll(() => api?.stop());

// No null: the API server drops it before validation, as if the field were unset.
const some = (...values: unknown[]) => fc.constantFrom(...values);
const record = (fields: Record<string, fc.Arbitrary<unknown>>) =>
  fc.record(fields, { requiredKeys: [] });
/** Mostly valid values, so that a spec with many fields is sometimes valid. */
const mostly = (valid: fc.Arbitrary<unknown>, invalid: fc.Arbitrary<unknown>) =>
  fc.oneof({ weight: 200, arbitrary: valid }, { weight: 1, arbitrary: invalid });

const name = mostly(some('a', 'db-1', 'x.y'), some('', 'A', '-a', 'a_b', 'a'.repeat(254), 7));
const cpu = mostly(
  some('1', '500m', '0.25', '2', 1, 2),
  some('', 'two', '1.2345', '-1', '1Gi', -1, 1.5),
);
const memory = mostly(some('512Mi', '1.5Gi', '2G', '1Ti'), some('512m', '10', '0Gi', 'Gi', 512));
const amounts = mostly(record({ cpu, memory }), some([], { gpu: '1' }));
const resources = record({ requests: amounts, limits: amounts });
const replicas = mostly(fc.integer({ min: 0, max: 50 }), some(-1, 51, 1.5, '2'));
const origin = mostly(some('*', 'https://a.example', 'http://b:1'), some('https://a/', 'a', ''));
const variable = fc.record(
  {
    name: mostly(some('A', 'B_1', 'C'), some('', 'a b', 'DB_HOST', '1')),
    value: mostly(some('', 'x'), some(1)),
  },
  { requiredKeys: ['name', 'value'] },
);
const selector = record({
  matchLabels: mostly(some({ a: 'b' }, { 'x.y/z': '' }), some({ 'a b': 'c' }, { a: '-' })),
  matchExpressions: mostly(
    some([{ key: 'a', operator: 'Exists' }], [{ key: 'a', operator: 'In', values: ['b'] }]),
    some([{ key: 'a', operator: 'In' }], [{ key: 'a', operator: 'Exists', values: ['b'] }]),
  ),
});
const reference = (key: fc.Arbitrary<unknown>) =>
  fc.record({ name, key }, { requiredKeys: ['name'] });
const rootCertificate = mostly(
  fc.oneof(
    fc.record({ secretKeyRef: reference(some('ca.pem')) }),
    fc.record({ configMapKeyRef: reference(mostly(some('ca.pem'), some('', 'a b'))) }),
  ),
  some({}, { secretKeyRef: { name: 'a' }, configMapKeyRef: { name: 'a' } }),
);
const service = record({
  replicas,
  resources,
  env: mostly(fc.array(variable, { maxLength: 2 }), some([{ name: 'A' }])),
  logLevel: mostly(some('info', 'warn'), some('loud', '')),
});
const parameters = mostly(
  fc.dictionary(
    fc.constantFrom('work_mem', 'a.b', '_x'),
    fc.oneof(fc.string({ maxLength: 9 }), fc.integer()),
  ),
  some({ 'Work Mem': '1' }, { a: true }, { a: 1.5 }, { a: 'x'.repeat(201) }, { fsync: 'off' }),
);
const managed = record({
  image: mostly(some('postgres:17', 'x'), some('', 'x'.repeat(254))),
  storage: record({ size: memory, storageClassName: name }),
  resources,
  parameters,
  reclaimPolicy: mostly(some('Retain', 'Delete'), some('Keep', true)),
});
const external = fc.record(
  {
    host: some('db', '10.0.0.1'),
    credentialsSecretRef: fc.record({ name }),
    port: mostly(fc.integer({ min: 1, max: 65_535 }), some(0, 65_536, '5432')),
    name: mostly(some('movies'), some('', 'x'.repeat(64))),
    sslMode: mostly(
      some('verify-ca', 'verify-full', 'verify-full'),
      some('on', 'disable', 'prefer'),
    ),
    sslRootCert: rootCertificate,
  },
  { requiredKeys: ['host', 'credentialsSecretRef'] },
);
const spec = record({
  version: mostly(some('1.0.0', 'v1', 'sha-abc'), some('', ':', '-1', 'x'.repeat(129))),
  images: record({
    registry: mostly(some('registry.example.com/a', 'x:5000'), some('https://a', 'a/', '')),
    pullPolicy: mostly(some('Always', 'Never'), some('always')),
    pullSecrets: mostly(fc.array(name, { maxLength: 3 }), some(Array(11).fill('a'))),
  }),
  database: mostly(
    fc.oneof(fc.record({ managed }), fc.record({ external })),
    fc.oneof(fc.record({ managed, external }), some({}, [])),
  ),
  services: record({ catalog: service, users: service, bookings: service }),
  gateway: record({
    replicas,
    service: record({
      type: mostly(some('NodePort', 'ClusterIP'), some('Ingress')),
      nodePort: mostly(fc.integer({ min: 30_000, max: 32_767 }), some(0, 29_999, 32_768, 80.5)),
      externalTrafficPolicy: mostly(some('Cluster', 'Local'), some('None')),
      annotations: mostly(some({}, { 'a.b/c': 'd' }), some({ 'a b': '' }, { a: 1 })),
    }),
    resources,
    trustedProxyHops: mostly(fc.integer({ min: 0, max: 9 }), some(-1, 10)),
    corsOrigins: fc.array(origin, { maxLength: 2 }),
    tls: fc.record({ secretName: name }),
    rateLimit: mostly(fc.integer({ min: 1, max: 100_000 }), some(0, 100_001)),
  }),
  bookings: record({
    holdMinutes: mostly(fc.integer({ min: 1, max: 1_440 }), some(0, 1_441)),
    currency: mostly(some('USD', 'EUR'), some('eur', 'EURO')),
    maxTicketsPerBooking: mostly(fc.integer({ min: 1, max: 1_000 }), some(0, 1_001)),
  }),
  seed: mostly(
    some({}, { mode: 'demo' }, { mode: 'configMap', configMapRef: { name: 'a' } }),
    some({ mode: 'configMap' }, { mode: 'none', configMapRef: { name: 'a' } }, { mode: 'x' }),
  ),
  jobs: record({ resources }),
  monitoring: record({ allowFrom: fc.array(selector, { maxLength: 2 }) }),
  adminSecretRef: fc.record({ name }),
  paused: mostly(fc.boolean(), some('yes', 1)),
});

testIf(api !== undefined, lacksApiServer)(
  'zod and the API server agree on which specs are valid and on their defaults',
  async () => {
    const resources = makeMovieTicketings(api!.kubeconfig, await api!.namespace());
    const count = { valid: 0, invalid: 0 };
    await fc.assert(
      fc.asyncProperty(spec, async (generated) => {
        const sent: unknown = JSON.parse(JSON.stringify(generated));
        const parsed = specSchema.safeParse(sent);
        const answer = await resources.try(sent);
        count[parsed.success ? 'valid' : 'invalid'] += 1;
        if (!parsed.success) expect(answer).toHaveProperty('refusal');
        else if ('refusal' in answer) throw new Error(answer.refusal);
        // Numbers that stand for text are kept by the API server and read as text by zod.
        else expect(specSchema.parse(answer.resource.spec)).toEqual(parsed.data);
      }),
      { numRuns: 400 },
    );
    expect(count.valid).toBeGreaterThan(50);
    expect(count.invalid).toBeGreaterThan(50);
  },
  400_000,
);
