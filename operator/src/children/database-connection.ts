import type { MovieTicketing } from '../resource/movie-ticketing.schema.ts';
import { namesOf } from './names.ts';

export const databaseName = 'movie_ticketing';
export const databaseUser = 'postgres';
export const postgresPort = 5432;

export type DatabaseTarget = {
  host: string;
  port: number;
  name: string;
  sslMode: string;
  /** Secret with the keys username and password. */
  secretName: string;
};

/** Where the services and Jobs of this resource find their database. */
export const databaseTarget = (resource: MovieTicketing): DatabaseTarget => {
  const names = namesOf(resource);
  const { external } = resource.spec.database;
  if (external === undefined) {
    return {
      host: names.postgres,
      port: postgresPort,
      name: databaseName,
      sslMode: 'disable',
      secretName: names.databaseSecret,
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

/** The DB_ variables that services, migrations and seed read. */
export const databaseEnvironment = (resource: MovieTicketing): EnvironmentVariable[] => {
  const { host, port, name, sslMode, secretName } = databaseTarget(resource);
  return [
    { name: 'DB_HOST', value: host },
    { name: 'DB_PORT', value: String(port) },
    { name: 'DB_NAME', value: name },
    { name: 'DB_SSLMODE', value: sslMode },
    fromSecret('DB_USER', secretName, 'username'),
    fromSecret('DB_PASSWORD', secretName, 'password'),
  ];
};
