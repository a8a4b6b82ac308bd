import type { KubeObject } from '../src/runtime/kube-object.ts';
import type { FreshSecrets } from '../src/steps/observed.ts';
import type { OperatorSettings } from '../src/objects/settings.ts';
import {
  specSchema,
  type MovieTicketing,
  type MovieTicketingSpecInput,
} from '../src/resource/movie-ticketing.schema.ts';

export const testSettings: OperatorSettings = {
  version: '1.0.0',
  images: {
    catalog: 'movie-ticketing-catalog',
    users: 'movie-ticketing-users',
    bookings: 'movie-ticketing-bookings',
    gateway: 'movie-ticketing-gateway',
    migrations: 'movie-ticketing-migrations',
  },
  clusterDomain: 'cluster.local',
};

export const resourceOf = (
  spec: MovieTicketingSpecInput = {},
  metadata: Partial<MovieTicketing['metadata']> = {},
): MovieTicketing => ({
  apiVersion: 'movieticketing.io/v1',
  kind: 'MovieTicketing',
  metadata: {
    name: 'shop',
    namespace: 'cinema',
    uid: 'uid-shop',
    generation: 1,
    resourceVersion: '1',
    ...metadata,
  },
  spec: specSchema.parse(spec),
});

/** A Secret or ConfigMap that a user created. */
export const userObject = (
  kind: 'Secret' | 'ConfigMap',
  name: string,
  data: Record<string, string>,
): KubeObject => ({
  apiVersion: 'v1',
  kind,
  metadata: { name, namespace: 'cinema', uid: `uid-${name}` },
  data:
    kind === 'Secret'
      ? Object.fromEntries(
          Object.entries(data).map(([key, value]) => [key, Buffer.from(value).toString('base64')]),
        )
      : data,
});

/** What a reconcile would generate, different for each serial number. */
export const freshFor = (serial: number, now: Date): FreshSecrets => ({
  databasePassword: `database-password-${String(serial)}`,
  adminPassword: `admin-password-${String(serial)}`,
  loginPasswords: {
    catalog: `catalog-password-${String(serial)}`,
    users: `users-password-${String(serial)}`,
    bookings: `bookings-password-${String(serial)}`,
    seed: `seed-password-${String(serial)}`,
    backup: `backup-password-${String(serial)}`,
  },
  adminId: `id${String(serial)}`,
  certificate: {
    'ca.crt': 'authority',
    'ca.key': 'key-of-the-authority',
    'tls.crt': `certificate-${String(serial)}`,
    'tls.key': `key-of-certificate-${String(serial)}`,
    renewAfter: new Date(now.getTime() + 60 * 86_400_000).toISOString(),
  },
});
