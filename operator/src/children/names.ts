import type { MovieTicketing } from '../resource/movie-ticketing.schema.ts';

export const serviceNames = ['catalog', 'users', 'bookings'] as const;
export type ServiceName = (typeof serviceNames)[number];

/**
 * Names of a resource's objects. One word after the resource's name, so that resources `shop` and
 * `shop-east` never meet; Jobs add the hash of what they do.
 */
export const namesOf = (resource: { metadata: { name: string } }) => {
  const { name } = resource.metadata;
  return {
    /** Secret with username, password, and the parts of the address. */
    databaseSecret: `${name}-database`,
    /** Secret with email and password, where `adminSecretRef` is unset. */
    adminSecret: `${name}-admin`,
    /** StatefulSet, Service, ConfigMap, PVC, ServiceAccount. */
    postgres: `${name}-postgres`,
    /** Deployment, Service, ConfigMap, PDB, ServiceAccount. */
    service: (service: ServiceName) => `${name}-${service}`,
    gateway: `${name}-gateway`,
    /** ServiceAccount of both kinds of Job. */
    jobs: `${name}-jobs`,
    migrationJob: (hash: string) => `${name}-migrate-${hash}`,
    seedJob: (hash: string) => `${name}-seed-${hash}`,
  };
};

export type Names = ReturnType<typeof namesOf>;

export const isManaged = (resource: MovieTicketing): boolean =>
  resource.spec.database.managed !== undefined;
