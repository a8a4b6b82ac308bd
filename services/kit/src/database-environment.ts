import { accessSync, constants } from 'node:fs';
import { isIP } from 'node:net';

import pg from 'pg';
import { z } from 'zod';

import { ConfigError, environmentFields } from './config.ts';

const isReadable = (path: string): boolean => {
  try {
    accessSync(path, constants.R_OK);
    return true;
  } catch {
    return false;
  }
};

/** Whether pg can read it: its certificate files exist, and its percent-encoding is valid. */
const isDatabaseUrl = (value: string): boolean => {
  if (!URL.canParse(value) || !/^postgres(ql)?:$/.test(new URL(value).protocol)) return false;
  try {
    new pg.Client({ connectionString: value });
    return true;
  } catch {
    return false;
  }
};

/** pg decodes the path of a URL with decodeURI, which leaves these as they are. */
const isDatabaseName = (name: string): boolean => !/[/?#]|^\.{1,2}$/.test(name);

const hostInUrl = (host: string): string => (host.includes(':') ? `[${host}]` : host);

const isHost = (host: string): boolean =>
  (isIP(host) !== 0 || /^\w([\w.-]{0,252}[\w.])?$/.test(host)) &&
  URL.canParse(`postgres://${hostInUrl(host)}:5432`);

export const databaseEnvironment = z.object({
  DATABASE_URL: z
    .string()
    .refine(isDatabaseUrl, 'must be a URL like postgres://user:password@host:5432/name')
    .optional(),
  DB_HOST: z
    .string()
    .refine(isHost, 'must be a host name or an IP address, like postgres or 10.0.0.5')
    .optional(),
  DB_PORT: environmentFields.integer(1, 65_535, 5432),
  DB_USER: z.string().default('postgres'),
  DB_PASSWORD: z.string().optional(),
  DB_NAME: z
    .string()
    .refine(isDatabaseName, 'must be a database name without / ? or #')
    .default('movie_ticketing'),
  DB_SSLMODE: environmentFields.oneOf(
    ['disable', 'prefer', 'require', 'verify-ca', 'verify-full'],
    'prefer',
  ),
  /** Path of a PEM file with the certificates that the server's certificate is checked against. */
  DB_SSLROOTCERT: z
    .string()
    .refine(isReadable, 'must be the path of a readable PEM file')
    .optional(),
  DB_POOL_SIZE: environmentFields.integer(1, 200, 10),
});

/** DATABASE_URL, or a URL made of the DB_ variables; undefined if neither DATABASE_URL nor DB_HOST is set. */
export const databaseUrl = (env: z.output<typeof databaseEnvironment>): string | undefined => {
  if (env.DATABASE_URL !== undefined) return env.DATABASE_URL;
  if (env.DB_HOST === undefined) return undefined;
  const host = hostInUrl(env.DB_HOST);
  const made = new URL(`postgres://${host}:${String(env.DB_PORT)}/${encodeURI(env.DB_NAME)}`);
  made.username = encodeURIComponent(env.DB_USER);
  if (env.DB_PASSWORD !== undefined) made.password = encodeURIComponent(env.DB_PASSWORD);
  // pg does not support "prefer": the connection is not encrypted.
  if (env.DB_SSLMODE !== 'prefer') {
    made.searchParams.set('sslmode', env.DB_SSLMODE);
    // libpq's meaning of the modes: "require" encrypts and does not check the certificate.
    made.searchParams.set('uselibpqcompat', 'true');
    if (env.DB_SSLROOTCERT !== undefined) made.searchParams.set('sslrootcert', env.DB_SSLROOTCERT);
    else if (env.DB_SSLMODE === 'verify-ca')
      throw new ConfigError(
        'DB_SSLROOTCERT is not set: DB_SSLMODE verify-ca needs the path of a PEM file with the certificate authority',
      );
  }
  return made.href;
};

export const requiredDatabaseUrl = (env: z.output<typeof databaseEnvironment>): string => {
  const found = databaseUrl(env);
  if (found === undefined) {
    throw new ConfigError(
      'DATABASE_URL is not set: set it to a URL like postgres://user:password@host:5432/name, or set DB_HOST, DB_USER, DB_PASSWORD and DB_NAME',
    );
  }
  return found;
};
