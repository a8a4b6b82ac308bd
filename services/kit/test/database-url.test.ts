import { describe, expect, test } from '@jest/globals';

import { ConfigError, parseEnvironment } from '../src/config.ts';
import { databaseEnvironment, databaseUrl } from '../src/database-environment.ts';

const parts = { DB_HOST: 'db.example.com', DB_USER: 'app', DB_PASSWORD: 'p@ss/word' };

const urlOf = (env: Record<string, string>): string | undefined =>
  databaseUrl(parseEnvironment(databaseEnvironment, env));

describe('the database URL', () => {
  test('is undefined without DATABASE_URL and DB_HOST', () => {
    expect(urlOf({})).toBeUndefined();
  });

  test('is made of the DB_ variables, escaped', () => {
    expect(urlOf(parts)).toBe('postgres://app:p%40ss%2Fword@db.example.com:5432/movie_ticketing');
  });

  test('names the root certificate that the server is verified with', () => {
    const url = urlOf({ ...parts, DB_SSLMODE: 'verify-ca', DB_SSLROOTCERT: import.meta.filename });
    const { searchParams } = new URL(url ?? '');
    expect(searchParams.get('sslmode')).toBe('verify-ca');
    expect(searchParams.get('sslrootcert')).toBe(import.meta.filename);
  });

  test.each([
    { DB_SSLMODE: 'verify-ca' },
    { DB_SSLMODE: 'verify-full', DB_SSLROOTCERT: '/no/such/file' },
  ])('refuses %j and names DB_SSLROOTCERT', (env) => {
    const parse = (): unknown => urlOf({ ...parts, ...env });
    expect(parse).toThrow(ConfigError);
    expect(parse).toThrow(/^DB_SSLROOTCERT /);
  });
});
