import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import pg from 'pg';
import { z } from 'zod';

import { ConfigError, parseEnvironment, serverEnvironment } from '../src/config.ts';
import {
  databaseEnvironment,
  databaseUrl,
  requiredDatabaseUrl,
} from '../src/database-environment.ts';
import { makeDatabase } from '../src/database.ts';
import { tracingEnvironment } from '../src/tracing.ts';
import { silentLogger } from '../testing/api.ts';
import { createTestDatabase } from '../testing/database.ts';

const schema = z.object({ ...databaseEnvironment.shape, ADMIN_PASSWORD: z.string().optional() });

describe('a value of the environment', () => {
  test.each(['\n', '\r\n'])('loses one trailing line break (%j)', (lineBreak) => {
    const env = { DB_HOST: `db${lineBreak}`, DB_PORT: `6000${lineBreak}`, DB_PASSWORD: 'a\n\n' };
    const parsed = parseEnvironment(schema, env);
    expect(parsed).toMatchObject({ DB_HOST: 'db', DB_PORT: 6000, DB_PASSWORD: 'a\n' });
  });

  test('counts as unset when a line break is all it has', () => {
    expect(parseEnvironment(schema, { DB_HOST: '\n' }).DB_HOST).toBeUndefined();
  });

  test.each([' pw', 'pw ', '\tpw', 'p\u00a0', 'p\u200bw', '\n'.repeat(3)])(
    'keeps a password to the character: %j',
    (password) => {
      const env = { DB_PASSWORD: `${password}\n`, ADMIN_PASSWORD: `${password}\n` };
      const parsed = parseEnvironment(schema, env);
      expect([parsed.DB_PASSWORD, parsed.ADMIN_PASSWORD]).toEqual([password, password]);
    },
  );

  test.each([' x', 'x ', 'x\t', 'x\n\n', 'x\u00a0', 'x\u200b', 'a\u0007b', 'a\nb'])(
    'is refused by name with invisible characters: %j',
    (value) => {
      for (const name of ['DB_USER', 'DB_NAME', 'DB_HOST', 'DATABASE_URL']) {
        const parse = (): unknown => parseEnvironment(schema, { [name]: value });
        expect(parse).toThrow(ConfigError);
        expect(parse).toThrow(new RegExp(`^${name} must not begin or end with white space`));
      }
    },
  );

  test.each<[string, string]>([
    ['DB_HOST', 'my host'],
    ['DB_HOST', '[::1]'],
    ['DB_HOST', 'a/b'],
    ['DB_HOST', 'db:5432'],
    ['DB_HOST', 'fe80::1%eth0'],
    ['DB_NAME', '..'],
    ['DATABASE_URL', 'postgres://user:secret@host/db?sslrootcert=/no/such/file'],
    ['DATABASE_URL', 'postgres://user:secret@my host/db'],
    ['DATABASE_URL', 'mysql://user:secret@host/db'],
    ['DB_SSLMODE', 'maybe'],
  ])('names %s when it is %s', (name, value) => {
    const parse = (): unknown => requiredDatabaseUrl(parseEnvironment(schema, { [name]: value }));
    expect(parse).toThrow(ConfigError);
    expect(parse).toThrow(new RegExp(`^${name} must (?!.*secret)`));
  });

  test.each([
    ['OTEL_EXPORTER_OTLP_ENDPOINT', 'http://user:secret@collector:4318'],
    ['OTEL_EXPORTER_OTLP_ENDPOINT', 'grpc://collector:4317'],
  ])('names %s when it is %s', (name, value) => {
    expect(() => parseEnvironment(tracingEnvironment, { [name]: value })).toThrow(
      new RegExp(`^${name} must (?!.*secret)`),
    );
  });

  test('names every bad variable at once', () => {
    const env = { PORT: 'x', CURRENCY: 'usd', CORS_ORIGINS: 'https://a.example/path' };
    expect(() => parseEnvironment(serverEnvironment, env)).toThrow(
      /^PORT must .*\nCORS_ORIGINS must .*\nCURRENCY must /,
    );
  });
});

const anyText = fc.oneof(
  fc.string({ unit: 'binary-ascii' }),
  fc.string({ unit: 'grapheme' }),
  fc.constantFrom('.', '..', '%', '%zz', 'a b', "'", '@', ':', '/', '?', '#', '::1', '127.0.0.1'),
);

test('whatever the DB_ variables are, pg reads exactly them, or one is refused by name', () => {
  fc.assert(
    fc.property(
      fc.record({ DB_HOST: anyText, DB_USER: anyText, DB_PASSWORD: anyText, DB_NAME: anyText }),
      (env) => {
        let url: string | undefined;
        try {
          url = databaseUrl(parseEnvironment(databaseEnvironment, env));
        } catch (error) {
          expect(error).toBeInstanceOf(ConfigError);
          expect((error as Error).message).toMatch(/^DB_\w+ must /);
          return;
        }
        if (url === undefined) return;
        const client = new pg.Client({ connectionString: url });
        const dropped = (value: string) => value.replace(/\r?\n$/, '');
        expect(client.host.toLowerCase()).toBe(dropped(env.DB_HOST).toLowerCase());
        expect(client.user).toBe(dropped(env.DB_USER) || 'postgres');
        expect(client.password ?? '').toBe(dropped(env.DB_PASSWORD));
        expect(client.database).toBe(dropped(env.DB_NAME) || 'movie_ticketing');
      },
    ),
    { numRuns: 2_000 },
  );
});

describe('the database login', () => {
  const connect = async (env: Record<string, string>): Promise<unknown> => {
    const url = requiredDatabaseUrl(parseEnvironment(databaseEnvironment, env));
    const db = makeDatabase({
      url,
      poolSize: 1,
      logger: silentLogger,
      applicationName: 'test-config',
    });
    try {
      return await db.query('SELECT 1 AS one').catch((error: unknown) => error);
    } finally {
      await db.close();
    }
  };

  test('works with passwords from files, and with spaces at their ends', async () => {
    const database = await createTestDatabase({ empty: true });
    const { hostname, port, pathname, username, password } = new URL(database.url);
    const owner = {
      DB_HOST: hostname,
      DB_PORT: port === '' ? '5432' : port,
      DB_NAME: pathname.slice(1),
      DB_USER: decodeURIComponent(username),
    };
    const url = requiredDatabaseUrl(
      parseEnvironment(databaseEnvironment, {
        ...owner,
        DB_PASSWORD: `${decodeURIComponent(password)}\n`,
      }),
    );
    const db = makeDatabase({
      url,
      poolSize: 1,
      logger: silentLogger,
      applicationName: 'test-config',
    });
    const login = `padded_${Date.now().toString(36)}`;
    await db.query(`CREATE ROLE ${login} LOGIN PASSWORD ' two spaces '`);
    const env = { ...owner, DB_USER: login };
    expect(await connect({ ...env, DB_PASSWORD: ' two spaces \n' })).toEqual([{ one: 1 }]);
    // Control: the spaces are part of the password.
    expect(await connect({ ...env, DB_PASSWORD: 'two spaces' })).toMatchObject({
      code: 'unavailable',
    });
    await db.query(`DROP ROLE ${login}`);
    await db.close();
    await database.drop();
  });
});
