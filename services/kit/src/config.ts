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

/** An HTTP address. fetch refuses one that holds a user name or a password. */
const isHttpUrl = (value: string): boolean => {
  if (!URL.canParse(value)) return false;
  const { protocol, username, password } = new URL(value);
  return /^https?:$/.test(protocol) && username === '' && password === '';
};

const httpUrl = (example: string) =>
  z.string().refine(isHttpUrl, `must be a URL like ${example}, without a user name or password`);

export const environmentFields = { integer, oneOf, httpUrl };

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
  JWT_JWKS_URL: httpUrl('http://users:8080/.well-known/jwks.json').default(
    'http://users:8080/.well-known/jwks.json',
  ),
});

/** Secrets are kept to the character. Everything else that begins or ends with white space is refused. */
const isSecret = (name: string): boolean => name.endsWith('PASSWORD');

/** Secrets made from files end with a line break: one is dropped, from every value. */
const withoutLineBreak = (value: string): string => value.replace(/\r?\n$/, '');

const invisible = /^\s|\s$|[\p{Cc}\p{Cf}\u2028\u2029]/u;

/**
 * Parses the environment once. One trailing line break of a value is dropped; an empty variable counts
 * as unset.
 * @throws ConfigError that names every bad variable and what it should be, never its value
 */
export const parseEnvironment = <S extends z.ZodObject>(
  schema: S,
  env: Environment,
): z.output<S> => {
  const values: Record<string, string> = {};
  const problems: string[] = [];
  for (const name of Object.keys(schema.shape)) {
    const value = withoutLineBreak(env[name] ?? '');
    if (value === '') continue;
    if (!isSecret(name) && invisible.test(value)) {
      problems.push(
        `${name} must not begin or end with white space, or have characters that cannot be seen`,
      );
    } else values[name] = value;
  }
  const parsed = schema.safeParse(values);
  if (parsed.success && problems.length === 0) return parsed.data;
  const issues = parsed.error?.issues ?? [];
  const lines = issues.map((issue) => `${issue.path.join('.')} ${issue.message}`);
  throw new ConfigError([...problems, ...lines].join('\n'));
};
