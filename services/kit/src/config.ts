import { accessSync, constants } from 'node:fs';
import { z } from 'zod';

/** Thrown for a bad environment; `main.ts` prints its message and exits with code 2. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

export type Environment = Readonly<Record<string, string | undefined>>;

const integer = (minimum: number, maximum: number, standard: number) =>
  z
    .string()
    .regex(/^\d+$/, `must be a whole number from ${String(minimum)} to ${String(maximum)}`)
    .transform(Number)
    .refine(
      (value) => value >= minimum && value <= maximum,
      `must be a whole number from ${String(minimum)} to ${String(maximum)}`,
    )
    .default(standard);

const oneOf = <const T extends readonly [string, ...string[]]>(values: T, standard: T[number]) =>
  z.enum(values, `must be one of: ${values.join(', ')}`).default(standard as never);

const url = (protocols: RegExp, example: string) =>
  z.string().refine((value) => URL.canParse(value) && protocols.test(new URL(value).protocol), {
    message: `must be a URL like ${example}`,
  });

export const environmentFields = { integer, oneOf, url };

const isReadable = (path: string): boolean => {
  try {
    accessSync(path, constants.R_OK);
    return true;
  } catch {
    return false;
  }
};

const isOrigin = (value: string): boolean => URL.canParse(value) && new URL(value).origin === value;

/** What every service reads. */
export const serverEnvironment = z.object({
  // All addresses, IPv4 and IPv6; 0.0.0.0 where the kernel has no IPv6 (server.ts).
  HOST: z.string().default('::'),
  PORT: integer(0, 65_535, 8080),
  MANAGEMENT_PORT: integer(0, 65_535, 9090),
  LOG_LEVEL: oneOf(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'], 'info'),
  CORS_ORIGINS: z
    .string()
    .default('')
    .transform((value) =>
      value
        .split(',')
        .map((origin) => origin.trim())
        .filter(Boolean),
    )
    .refine(
      (origins) => origins.every((origin) => origin === '*' || isOrigin(origin)),
      'must be * or origins like https://example.com (no path, no slash at the end), separated by commas',
    ),
  TRUST_PROXY: integer(0, 10, 0),
  RATE_LIMITS: oneOf(['on', 'off'], 'on'),
  CURRENCY: z
    .string()
    .regex(/^[A-Z]{3}$/, 'must be an ISO 4217 code like USD')
    .default('USD'),
});

export const tokenEnvironment = z.object({
  JWT_ISSUER: z.string().min(1).default('movie-ticketing'),
  JWT_AUDIENCE: z.string().min(1).default('movie-ticketing'),
  /** How long a verifier keeps the published keys, in seconds. */
  JWT_JWKS_CACHE_SECONDS: integer(1, 86_400, 300),
});

/** Where a service that runs alone finds the users service's published keys. */
export const jwksEnvironment = z.object({
  JWT_JWKS_URL: url(/^https?:$/, 'http://users:8080/.well-known/jwks.json').default(
    'http://users:8080/.well-known/jwks.json',
  ),
});

export const databaseEnvironment = z.object({
  DATABASE_URL: url(/^postgres(ql)?:$/, 'postgres://user:password@host:5432/name').optional(),
  DB_HOST: z.string().optional(),
  DB_PORT: integer(1, 65_535, 5432),
  DB_USER: z.string().default('postgres'),
  DB_PASSWORD: z.string().optional(),
  DB_NAME: z.string().default('movie_ticketing'),
  DB_SSLMODE: oneOf(['disable', 'prefer', 'require', 'verify-ca', 'verify-full'], 'prefer'),
  /** Path of a PEM file with the certificates that the server's certificate is checked against. */
  DB_SSLROOTCERT: z
    .string()
    .refine(isReadable, 'must be the path of a readable PEM file')
    .optional(),
  DB_POOL_SIZE: integer(1, 200, 10),
});

/** The database's URL: DATABASE_URL, or made of DB_HOST and its siblings; undefined when neither is set. */
export const databaseUrl = (env: z.output<typeof databaseEnvironment>): string | undefined => {
  if (env.DATABASE_URL !== undefined) return env.DATABASE_URL;
  if (env.DB_HOST === undefined) return undefined;
  const host = env.DB_HOST.includes(':') ? `[${env.DB_HOST}]` : env.DB_HOST;
  const made = new URL(
    `postgres://${host}:${String(env.DB_PORT)}/${encodeURIComponent(env.DB_NAME)}`,
  );
  made.username = encodeURIComponent(env.DB_USER);
  if (env.DB_PASSWORD !== undefined) made.password = encodeURIComponent(env.DB_PASSWORD);
  // pg knows no "prefer": it is what libpq does by default, and a plain connection here.
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
      'DATABASE_URL is not set: give it as postgres://user:password@host:5432/name, or set DB_HOST, DB_USER, DB_PASSWORD and DB_NAME',
    );
  }
  return found;
};

/**
 * Parses the environment once. An empty variable counts as unset.
 * @throws ConfigError that names every bad variable and what it should be, never its value
 */
export const parseEnvironment = <S extends z.ZodType>(schema: S, env: Environment): z.output<S> => {
  const set = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''));
  const parsed = schema.safeParse(set);
  if (parsed.success) return parsed.data;
  const lines = parsed.error.issues.map((issue) => `${issue.path.join('.')} ${issue.message}`);
  throw new ConfigError(lines.join('\n'));
};
