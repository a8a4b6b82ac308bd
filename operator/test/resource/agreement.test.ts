import { afterAll, expect } from '@jest/globals';
import { testIf } from '@movie-ticketing/kit/testing/skippable';
import fc from 'fast-check';

import { specSchema } from '../../src/resource/movie-ticketing.schema.ts';
import { hasApiServer, lacksApiServer, startApiServer } from '../../testing/api-server.ts';
import { installCrd, makeMovieTicketings } from '../../testing/crd.ts';

const api = hasApiServer ? await startApiServer() : undefined;
if (api !== undefined) await installCrd(api.kubeconfig);
afterAll(() => api?.stop());

// No null: the API server drops it before it validates, as if the field were unset.
const some = (...values: unknown[]) => fc.constantFrom(...values);
const record = (fields: Record<string, fc.Arbitrary<unknown>>) =>
  fc.record(fields, { requiredKeys: [] });
/** Mostly the good ones: a spec of many fields is still now and then a good one. */
const mostly = (good: fc.Arbitrary<unknown>, bad: fc.Arbitrary<unknown>) =>
  fc.oneof({ weight: 80, arbitrary: good }, { weight: 1, arbitrary: bad });

const name = mostly(some('a', 'db-1', 'x.y'), some('', 'A', '-a', 'a_b', 'a'.repeat(254), 7));
const cpu = mostly(some('1', '500m', '0.25', '2'), some('', 'two', '1.2345', '-1', '1Gi', 2));
const memory = mostly(some('512Mi', '1.5Gi', '2G', '1Ti'), some('512m', '10', '0Gi', 'Gi', 512));
const amounts = mostly(record({ cpu, memory }), some([], { gpu: '1' }));
const resources = record({ requests: amounts, limits: amounts });
const replicas = mostly(fc.integer({ min: 0, max: 50 }), some(-1, 51, 1.5, '2'));
const service = record({
  replicas,
  resources,
  logLevel: mostly(some('info', 'warn'), some('loud', '')),
});
const parameters = mostly(
  fc.dictionary(fc.constantFrom('work_mem', 'a.b', '_x'), fc.string({ maxLength: 9 })),
  some({ 'Work Mem': '1' }, { a: 1 }, { a: 'x'.repeat(201) }),
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
    sslMode: mostly(some('disable', 'verify-full'), some('on')),
  },
  { requiredKeys: ['host', 'credentialsSecretRef'] },
);
const spec = record({
  version: mostly(some('1.0.0', 'v1', 'sha-abc'), some('', ':', '-1', 'x'.repeat(129))),
  images: record({
    registry: some('registry.example.com/a'),
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
      nodePort: mostly(fc.integer({ min: 30_000, max: 32_767 }), some(29_999, 32_768, 80.5)),
    }),
    tls: fc.record({ secretName: name }),
    rateLimit: mostly(fc.integer({ min: 1, max: 100_000 }), some(0, 100_001)),
  }),
  bookings: record({
    holdMinutes: mostly(fc.integer({ min: 1, max: 1_440 }), some(0, 1_441)),
    currency: mostly(some('USD', 'EUR'), some('eur', 'EURO')),
  }),
  seed: mostly(
    some({}, { mode: 'demo' }, { mode: 'configMap', configMapRef: { name: 'a' } }),
    some({ mode: 'configMap' }, { mode: 'none', configMapRef: { name: 'a' } }, { mode: 'x' }),
  ),
  adminSecretRef: fc.record({ name }),
  paused: mostly(fc.boolean(), some('yes', 1)),
});

testIf(api !== undefined, lacksApiServer)(
  'when a spec is any, then zod and the API server agree whether it is good, and on what it becomes',
  async () => {
    const resources = makeMovieTicketings(api!.kubeconfig, await api!.namespace());
    const count = { good: 0, bad: 0 };
    await fc.assert(
      fc.asyncProperty(spec, async (generated) => {
        const sent: unknown = JSON.parse(JSON.stringify(generated));
        const parsed = specSchema.safeParse(sent);
        const answer = await resources.try(sent);
        count[parsed.success ? 'good' : 'bad'] += 1;
        if (parsed.success) expect(answer).toHaveProperty('resource.spec', parsed.data);
        else expect(answer).toHaveProperty('refusal');
      }),
      { numRuns: 300 },
    );
    expect(count.good).toBeGreaterThan(50);
    expect(count.bad).toBeGreaterThan(50);
  },
  400_000,
);
