import fc from 'fast-check';

import type { KubeObject } from '../src/runtime/kube-object.ts';
import type { MovieTicketingSpecInput } from '../src/resource/movie-ticketing.schema.ts';
import { userObject } from './example-resource.ts';

/** A password that must appear nowhere. */
export const hiddenValue = 'hunter2-the-value-of-a-secret';

/** The objects of users that arbitrary specs reference. */
export const referencedObjects = (namespace: string): KubeObject[] =>
  [
    userObject('Secret', 'login', { username: 'app', password: hiddenValue }),
    userObject('Secret', 'shop-cluster-app', { username: 'app', password: hiddenValue }),
    userObject('Secret', 'shop-cluster-ca', { 'ca.crt': 'authority' }),
    userObject('Secret', 'shop-issued', {
      'ca.crt': 'authority',
      'tls.crt': 'certificate',
      'tls.key': hiddenValue,
    }),
    userObject('Secret', 'boss', { email: 'boss@example.com', password: hiddenValue }),
    userObject('Secret', 'cert', { 'tls.crt': 'certificate', 'tls.key': hiddenValue }),
    userObject('ConfigMap', 'data', { 'movies.json': '[]', 'theaters.json': '[]' }),
  ].map((object) => ({ ...object, metadata: { ...object.metadata, namespace } }));

const optional = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });

const databases = {
  managed: fc.record({
    managed: fc.record({
      image: fc.constantFrom('postgres:17', 'postgres:17.6'),
      reclaimPolicy: fc.constantFrom('Retain' as const, 'Delete' as const),
      tls: fc.constantFrom({}, { enabled: false }, { issuerRef: { name: 'issuer' } }),
      parameters: fc.constantFrom({}, { work_mem: '8MB' }, { application_name: "it's \\ odd" }),
    }),
  }),
  cloudNativePG: fc.record({
    cloudNativePG: fc.record({
      instances: fc.integer({ min: 2, max: 4 }),
      backup: optional(fc.constant({ objectStore: 'archive' })),
    }),
  }),
  external: fc.record({
    external: fc.record({
      host: fc.constantFrom('a.example.com', 'b.example.com'),
      credentialsSecretRef: fc.constant({ name: 'login' }),
    }),
  }),
};

const withoutUndefined = (spec: unknown): MovieTicketingSpecInput =>
  JSON.parse(JSON.stringify(spec)) as MovieTicketingSpecInput;

type Kind = keyof typeof databases;

const specs = (kind: Kind): fc.Arbitrary<MovieTicketingSpecInput> =>
  fc
    .record({
      version: optional(fc.constantFrom('1.0.0', '1.1.0', '2.0.0')),
      images: fc.record({
        registry: optional(fc.constantFrom('registry.example.com/x', 'localhost:5000')),
        pullSecrets: fc.constantFrom([], ['pull']),
      }),
      database: databases[kind],
      services: fc.record({
        catalog: fc.record({ replicas: fc.integer({ min: 0, max: 3 }) }),
        bookings: fc.record({
          autoscaling: optional(
            fc.record({
              maxReplicas: fc.integer({ min: 2, max: 50 }),
              minReplicas: fc.constant(2),
            }),
          ),
        }),
        users: fc.record({ logLevel: fc.constantFrom('info' as const, 'debug' as const) }),
      }),
      gateway: fc.record({
        replicas: fc.integer({ min: 0, max: 3 }),
        service: fc.record({ type: fc.constantFrom('NodePort' as const, 'ClusterIP' as const) }),
        tls: optional(fc.constant({ secretName: 'cert' })),
        rateLimit: optional(fc.integer({ min: 1, max: 100 })),
      }),
      pods: fc.constantFrom({}, { labels: { team: 'a' }, tolerations: [{ operator: 'Exists' }] }),
      bookings: fc.record({ holdMinutes: fc.integer({ min: 1, max: 30 }) }),
      seed: fc.constantFrom(
        { mode: 'none' as const },
        { mode: 'demo' as const },
        { mode: 'configMap' as const, configMapRef: { name: 'data' } },
      ),
      adminSecretRef: optional(fc.constant({ name: 'boss' })),
    })
    .map(withoutUndefined);

const anyKind = fc.constantFrom<Kind[]>('managed', 'external', 'cloudNativePG');

export const anySpec = anyKind.chain(specs);

/** Two specs that may follow each other: a database stays of its kind. */
export const specPair = anyKind.chain((kind) => fc.tuple(specs(kind), specs(kind)));
