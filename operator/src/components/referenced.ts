import type { OwnedRef } from '../objects/manifest.ts';
import type { MovieTicketing } from '../resource/movie-ticketing.schema.ts';

/** Secrets and ConfigMaps of users that the spec references: read one by one by name, never listed. */
export const referencedContents = (resource: MovieTicketing): OwnedRef[] => {
  const { database, adminSecretRef, gateway, seed } = resource.spec;
  const secrets = [
    database.external?.credentialsSecretRef.name,
    adminSecretRef?.name,
    gateway.tls?.secretName,
  ];
  const names = new Set(secrets.filter((name) => name !== undefined));
  return [
    ...[...names].map((name) => ({ apiVersion: 'v1', kind: 'Secret', name })),
    ...(seed.configMapRef === undefined
      ? []
      : [{ apiVersion: 'v1', kind: 'ConfigMap', name: seed.configMapRef.name }]),
  ];
};
