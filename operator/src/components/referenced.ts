import { keyOfRef, type OwnedRef } from '../objects/manifest.ts';
import type { MovieTicketing } from '../resource/movie-ticketing.schema.ts';
import { databaseTarget, externalLoginName, rootCertificate } from './database-connection.ts';
import { certificateSecretName, isManaged, serviceNames } from './names.ts';

const uniqueRefs = (refs: readonly OwnedRef[]): OwnedRef[] => [
  ...new Map(refs.map((ref) => [keyOfRef(ref), ref])).values(),
];

/** Secrets and ConfigMaps of users that the spec references: read one by one by name, never listed. */
export const referencedContents = (resource: MovieTicketing): OwnedRef[] => {
  const { database, adminSecretRef, gateway, seed, backup, restoreFrom } = resource.spec;
  const secrets = [
    // CloudNativePG owns the Secret of its Cluster.
    isManaged(resource) ? undefined : databaseTarget(resource).secretName,
    ...serviceNames.map((service) =>
      database.external === undefined ? undefined : externalLoginName(resource, service),
    ),
    adminSecretRef?.name,
    gateway.tls?.secretName,
    backup?.storage.s3?.credentialsSecretRef.name,
    restoreFrom?.storage.s3?.credentialsSecretRef.name,
  ];
  // The operator owns that Secret.
  const authorities = [rootCertificate(resource)].filter(
    (found) => found?.name !== certificateSecretName(resource),
  );
  const refs = [
    ...secrets.map((name) => ({ kind: 'Secret', name })),
    { kind: 'ConfigMap', name: seed.configMapRef?.name },
    ...authorities.map((found) => ({ kind: found?.kind ?? '', name: found?.name })),
  ];
  return uniqueRefs(
    refs.flatMap(({ kind, name }) =>
      name === undefined ? [] : [{ apiVersion: 'v1', kind, name }],
    ),
  );
};
