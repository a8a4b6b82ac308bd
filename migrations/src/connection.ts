import { accessSync, constants } from 'node:fs';

/** A setting is missing or wrong; the message names it and says what it should be. */
export class SettingError extends Error {
  constructor(variable: string, expected: string) {
    super(`${variable} ${expected}`);
    this.name = 'SettingError';
  }
}

type Environment = Record<string, string | undefined>;

const SSL_MODES = ['disable', 'prefer', 'require', 'verify-ca', 'verify-full'];

function fromUrl(text: string): string {
  const expected = 'must look like postgres://user:password@host:5432/database';
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw new SettingError('DATABASE_URL', expected); // without its value, which holds a password
  }
  if (!/^postgres(ql)?:$/.test(url.protocol) || url.pathname.length < 2)
    throw new SettingError('DATABASE_URL', expected);
  return text;
}

function port(text: string): string {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > 65_535)
    throw new SettingError('DB_PORT', `must be a port from 1 to 65535, not "${text}"`);
  return text;
}

function required(env: Environment, variable: string): string {
  const value = env[variable] ?? '';
  if (value === '')
    throw new SettingError(
      variable,
      'is not set: set DATABASE_URL, or DB_HOST, DB_USER, DB_PASSWORD and DB_NAME (and DB_PORT, DB_SSLMODE)',
    );
  return value;
}

/** The database that the environment names. DATABASE_URL wins over the DB_ variables. */
export function databaseUrlFrom(env: Environment): string {
  const url = env['DATABASE_URL'] ?? '';
  if (url !== '') return fromUrl(url);
  const host = required(env, 'DB_HOST');
  const user = encodeURIComponent(required(env, 'DB_USER'));
  const name = encodeURIComponent(required(env, 'DB_NAME'));
  const password = env['DB_PASSWORD'] ?? '';
  const sslMode = env['DB_SSLMODE'] ?? '';
  if (sslMode !== '' && !SSL_MODES.includes(sslMode))
    throw new SettingError('DB_SSLMODE', `must be one of ${SSL_MODES.join(', ')}`);
  const login = password === '' ? user : `${user}:${encodeURIComponent(password)}`;
  const at = `${host.includes(':') ? `[${host}]` : host}:${port(env['DB_PORT'] ?? '5432')}`;
  return `postgres://${login}@${at}/${name}${tlsQuery(sslMode, env['DB_SSLROOTCERT'] ?? '')}`;
}

/** pg has no "prefer": it is a plain connection, as in the services. */
function tlsQuery(sslMode: string, rootCertificate: string): string {
  if (sslMode === '' || sslMode === 'prefer') return '';
  // libpq's meaning of the modes: "require" encrypts and does not check the certificate.
  const query = `?sslmode=${sslMode}&uselibpqcompat=true`;
  if (rootCertificate !== '') {
    if (!isReadable(rootCertificate))
      throw new SettingError('DB_SSLROOTCERT', 'must be the path of a readable PEM file');
    return `${query}&sslrootcert=${encodeURIComponent(rootCertificate)}`;
  }
  if (sslMode === 'verify-ca')
    throw new SettingError(
      'DB_SSLROOTCERT',
      'is not set: DB_SSLMODE verify-ca needs the path of a PEM file with the certificate authority',
    );
  return query;
}

function isReadable(path: string): boolean {
  try {
    accessSync(path, constants.R_OK);
    return true;
  } catch {
    return false;
  }
}
