import type { MovieTicketing } from '../resource/movie-ticketing.schema.ts';
import type { Connection } from '../steps/component.ts';
import {
  certificateSecretName,
  clusterName,
  isCloudNativePg,
  isManaged,
  databaseSecretName,
  hasOwnTls,
  hasProgramLogins,
  issuedSecretName,
  loginKeys,
  loginsSecretName,
  nameOf,
  type Program,
} from './names.ts';
import { postgresPort } from './ports.ts';

export const databaseName = 'movie_ticketing';
export const databaseUser = 'postgres';

export type DatabaseTarget = {
  host: string;
  port: number;
  name: string;
  sslMode: string;
  /** A Secret with the keys username and password. */
  secretName: string;
};

/** Where the services and Jobs of this resource find their database. */
export const databaseTarget = (resource: MovieTicketing): DatabaseTarget => {
  const { external, cloudNativePG } = resource.spec.database;
  if (cloudNativePG !== undefined) {
    const cluster = clusterName(resource);
    return {
      host: `${cluster}-rw`,
      port: postgresPort,
      name: databaseName,
      sslMode: 'verify-full',
      secretName: `${cluster}-app`,
    };
  }
  if (external === undefined) {
    return {
      host: nameOf(resource, 'postgres'),
      port: postgresPort,
      name: databaseName,
      sslMode: hasOwnTls(resource) ? 'verify-full' : 'disable',
      secretName: databaseSecretName(resource),
    };
  }
  return {
    host: external.host,
    port: external.port,
    name: external.name,
    sslMode: external.sslMode,
    secretName: external.credentialsSecretRef.name,
  };
};

/** The Secret with a service's login in an external database: its own, or that of all. */
export const externalLoginName = (resource: MovieTicketing, program: string): string => {
  const own: Readonly<Record<string, { name: string } | undefined>> =
    resource.spec.database.external?.serviceCredentials ?? {};
  return own[program]?.name ?? databaseTarget(resource).secretName;
};

/** A NetworkPolicy cannot name a host: an external database is any address at its port. */
export const databaseConnection = (resource: MovieTicketing): Connection =>
  isManaged(resource)
    ? { to: 'postgres', port: postgresPort }
    : {
        to: isCloudNativePg(resource)
          ? { pods: { 'cnpg.io/cluster': clusterName(resource) } }
          : 'any',
        port: databaseTarget(resource).port,
      };

export type EnvironmentVariable =
  | { name: string; value: string }
  | { name: string; valueFrom: { configMapKeyRef: { name: string; key: string } } }
  | SecretVariable;
type SecretVariable = {
  name: string;
  valueFrom: { secretKeyRef: { name: string; key: string; optional?: boolean } };
};

export const fromSecret = (name: string, secret: string, key: string): SecretVariable => ({
  name,
  valueFrom: { secretKeyRef: { name: secret, key } },
});

export const ifInSecret = (name: string, secret: string, key: string): SecretVariable => ({
  name,
  valueFrom: { secretKeyRef: { name: secret, key, optional: true } },
});

const rootCertificateFolder = '/etc/movie-ticketing/database';

type RootCertificate = { kind: 'Secret' | 'ConfigMap'; name: string; key: string };

/** The Secret with the certificate of a managed database. */
export const tlsSecretName = (resource: MovieTicketing): string =>
  resource.spec.database.managed?.tls.issuerRef === undefined
    ? certificateSecretName(resource)
    : issuedSecretName(resource);

/** The authorities that sign the database's certificate; undefined: those that Node.js trusts, or none. */
export const rootCertificate = (resource: MovieTicketing): RootCertificate | undefined => {
  const { spec } = resource;
  if (isCloudNativePg(resource))
    return { kind: 'Secret', name: `${clusterName(resource)}-ca`, key: 'ca.crt' };
  if (hasOwnTls(resource)) return { kind: 'Secret', name: tlsSecretName(resource), key: 'ca.crt' };
  const { secretKeyRef, configMapKeyRef } = spec.database.external?.sslRootCert ?? {};
  if (secretKeyRef !== undefined) return { kind: 'Secret', ...secretKeyRef };
  return configMapKeyRef === undefined ? undefined : { kind: 'ConfigMap', ...configMapKeyRef };
};

const rootCertificateVolume = 'database-root-certificate';

export const rootCertificateMounts = (resource: MovieTicketing) =>
  rootCertificate(resource) === undefined
    ? []
    : [{ name: rootCertificateVolume, mountPath: rootCertificateFolder, readOnly: true }];

export const rootCertificateVolumes = (resource: MovieTicketing) => {
  const found = rootCertificate(resource);
  if (found === undefined) return [];
  const items = [{ key: found.key, path: 'ca.crt' }];
  return [
    {
      name: rootCertificateVolume,
      ...(found.kind === 'Secret'
        ? { secret: { secretName: found.name, items } }
        : { configMap: { name: found.name, items } }),
    },
  ];
};

const plainKeys = { username: 'username', password: 'password' };

/**
 * The DB_ variables of a program. The migrations connect as the owner of the database; services and seed have
 * logins of their own where the database is managed.
 */
export const databaseEnvironment = (
  resource: MovieTicketing,
  program: Program | 'migrations',
): EnvironmentVariable[] => {
  const { host, port, name, sslMode } = databaseTarget(resource);
  const login =
    program !== 'migrations' && hasProgramLogins(resource)
      ? { secret: loginsSecretName(resource), ...loginKeys(program, 'current') }
      : { secret: externalLoginName(resource, program), ...plainKeys };
  return [
    { name: 'DB_HOST', value: host },
    { name: 'DB_PORT', value: String(port) },
    { name: 'DB_NAME', value: name },
    { name: 'DB_SSLMODE', value: sslMode },
    ...(rootCertificate(resource) === undefined
      ? []
      : [{ name: 'DB_SSLROOTCERT', value: `${rootCertificateFolder}/ca.crt` }]),
    fromSecret('DB_USER', login.secret, login.username),
    fromSecret('DB_PASSWORD', login.secret, login.password),
  ];
};
