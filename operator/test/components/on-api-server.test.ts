import { afterAll, describe, expect } from '@jest/globals';
import { testIf } from '@movie-ticketing/kit/testing/skippable';

import { isAsApplied } from '../../src/objects/drift.ts';
import type { Manifest } from '../../src/objects/manifest.ts';
import type { MovieTicketingSpecInput } from '../../src/resource/movie-ticketing.schema.ts';
import {
  hasApiServer,
  lacksApiServer,
  startApiServer,
  type ApiServer,
} from '../../testing/api-server.ts';
import { userObject, resourceOf } from '../../testing/example-resource.ts';
import { makeSimulatedCluster } from '../../testing/simulated-cluster.ts';

const api = hasApiServer ? await startApiServer() : undefined;
afterAll(() => api?.stop());

const test = (title: string, run: (server: ApiServer) => Promise<void>): void => {
  testIf(api !== undefined, lacksApiServer)(title, () => run(api!), 400_000);
};

/** Everything that an installation with this spec applies, each object as last applied. */
const allApplied = (namespace: string, spec: MovieTicketingSpecInput): Manifest[] => {
  const cluster = makeSimulatedCluster(resourceOf(spec, { namespace }));
  const users = [
    userObject('Secret', 'login', { username: 'me', password: 'secret-password' }),
    userObject('Secret', 'cert', { 'tls.crt': 'certificate', 'tls.key': 'a-private-key' }),
    userObject('ConfigMap', 'data', { 'movies.json': '[]', 'theaters.json': '[]' }),
  ];
  for (const object of users) {
    cluster.others.set(`${object.kind}/${object.metadata.name}`, object);
  }
  cluster.run();
  const last = new Map(
    cluster.plans
      .flatMap(({ apply }) => apply)
      .map((manifest) => [`${manifest.kind}/${manifest.metadata.name}`, manifest]),
  );
  // The uids of the simulated cluster do not exist here.
  return [...last.values()].map(({ metadata: { uid: _, ...metadata }, ...manifest }) => ({
    ...manifest,
    metadata,
  }));
};

const specs: [string, MovieTicketingSpecInput][] = [
  ['the minimal spec', {}],
  [
    'a full spec',
    {
      images: { registry: 'registry.example.com/tickets', pullSecrets: ['pull'] },
      database: {
        managed: {
          storage: { size: '1.5Gi', storageClassName: 'fast' },
          resources: { requests: { cpu: '1000m', memory: '100.5Mi' }, limits: { memory: '1.5Gi' } },
          parameters: { work_mem: '8MB' },
          reclaimPolicy: 'Delete',
        },
      },
      services: { catalog: { replicas: 0 }, users: { resources: { limits: { cpu: '1.50' } } } },
      gateway: {
        service: { type: 'LoadBalancer', nodePort: 30081 },
        tls: { secretName: 'cert' },
        rateLimit: 9,
      },
      seed: { mode: 'configMap', configMapRef: { name: 'data' } },
    },
  ],
  [
    'an external database',
    {
      database: { external: { host: 'db.example.com', credentialsSecretRef: { name: 'login' } } },
      gateway: { service: { type: 'ClusterIP' } },
      seed: { mode: 'demo' },
    },
  ],
];

describe('owned objects on a real API server', () => {
  for (const [what, spec] of specs) {
    test(`${what}: the API server accepts each object, and it is as applied`, async ({
      client,
      namespace: fresh,
    }) => {
      const namespace = await fresh();
      const manifests = allApplied(namespace, spec);
      for (const manifest of manifests) {
        // The owner does not exist; this API server runs no garbage collection.
        const live = await client.apply(manifest);
        expect({ object: manifest.metadata.name, same: isAsApplied(manifest, live) }).toEqual({
          object: manifest.metadata.name,
          same: true,
        });
      }
      expect(manifests.length).toBeGreaterThan(25);
    });
  }
});
