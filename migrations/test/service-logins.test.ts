import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { makeDatabase } from '@movie-ticketing/kit/database';
import { sessionSettings } from '@movie-ticketing/kit/database-session';
import { makeLogger } from '@movie-ticketing/kit/logging';
import {
  startDbaPostgres,
  type DbaPostgres,
  type GivenDatabase,
} from '@movie-ticketing/kit/testing/postgres-of-a-dba';
import { Client } from 'pg';

import { serviceLoginsIn } from '../src/login-environment.ts';
import { migrate } from '../src/migrate.ts';
import type { ServiceLogin } from '../src/service-logins.ts';

let postgres: DbaPostgres;

beforeAll(async () => {
  postgres = await startDbaPostgres();
});

afterEach(() => postgres.reset());

afterAll(() => postgres.stop());

const run = (database: GivenDatabase, serviceLogins: readonly ServiceLogin[]) =>
  migrate({ databaseUrl: database.url, serviceLogins });

const usersLogin = (suffix: 'a' | 'b', password: string) =>
  ({ role: 'mt_users', name: `mt_users_${suffix}`, password }) as const;

const urlOf = (database: GivenDatabase, name: string, password: string): string => {
  const url = new URL(database.url);
  url.username = name;
  url.password = encodeURIComponent(password);
  return url.href;
};

/** @returns 'signed in' or the SQLSTATE */
const signIn = async (url: string): Promise<string> => {
  const client = new Client({ connectionString: url });
  try {
    await client.connect();
    return 'signed in';
  } catch (error) {
    return (error as { code: string }).code;
  } finally {
    await client.end();
  }
};

/** Also the answer for a login that is locked. */
const wrongPassword = '28P01';

describe('a login of a service', () => {
  test('has the rights and the settings of its role, and no others', async () => {
    const database = await postgres.give('superuser');
    const password = `p:ss w@rd'"\\$1`;
    await run(database, [usersLogin('a', password)]);
    const db = makeDatabase({
      url: urlOf(database, 'mt_users_a', password),
      role: 'mt_users',
      poolSize: 1,
      logger: makeLogger({ service: 'test', level: 'silent' }),
      applicationName: 'test-login',
    });
    try {
      expect(
        await db.query(
          `SELECT current_user::text AS is, session_user::text AS was,
             current_setting('is_superuser') AS super`,
        ),
      ).toEqual([{ is: 'mt_users_a', was: 'mt_users_a', super: 'off' }]);
      await db.query('SELECT FROM users');
      for (const statement of ['SELECT FROM payments', 'SET ROLE postgres', 'CREATE ROLE mine']) {
        await expect(db.query(statement)).rejects.toMatchObject({ cause: { code: '42501' } });
      }
      // "user": from ALTER ROLE. A session that had set them itself would say "session".
      expect(
        await db.query('SELECT name, setting, source FROM pg_settings WHERE name = ANY ($1)', [
          Object.keys(sessionSettings.mt_users),
        ]),
      ).toEqual(
        expect.arrayContaining(
          Object.entries(sessionSettings.mt_users).map(([name, value]) => ({
            name,
            setting: String(value),
            source: 'user',
          })),
        ),
      );
    } finally {
      await db.close();
    }
  });

  test('of the backup may read every table and every sequence', async () => {
    const database = await postgres.give('superuser');
    await run(database, []);
    expect(
      await database.asDba(
        `SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace
           AND ((relkind = 'r' AND NOT has_table_privilege('mt_backup', oid, 'SELECT'))
             OR (relkind = 'S' AND NOT has_sequence_privilege('mt_backup', oid, 'SELECT')))`,
      ),
    ).toEqual([]);
  });

  test('is created for a database whose owner may create roles', async () => {
    const database = await postgres.give('createrole');
    await run(database, [usersLogin('a', 'first')]);
    expect(await signIn(urlOf(database, 'mt_users_a', 'first'))).toBe('signed in');
  });

  test('is refused where the owner may not create roles, and the error says what is missing', async () => {
    const database = await postgres.give('granted');
    await expect(run(database, [usersLogin('a', 'first')])).rejects.toThrow(
      /permission denied.* The login that migrates needs CREATEROLE/,
    );
  });
});

describe('a rotation', () => {
  test.each(['superuser', 'createrole'] as const)(
    'opens a second login beside the one in use, which is locked in the end (owner: %s)',
    async (rights) => {
      const database = await postgres.give(rights);
      // As the owner of a database of CloudNativePG: without it, a locked login keeps its sessions.
      await database.asDba(`GRANT pg_signal_backend TO ${database.login}`);
      const [a, b] = [usersLogin('a', 'first'), usersLogin('b', 'second')];
      const [urlOfA, urlOfB] = [
        urlOf(database, a.name, a.password),
        urlOf(database, b.name, b.password),
      ];
      await run(database, [a]);
      await run(database, [a, b]);
      expect([await signIn(urlOfA), await signIn(urlOfB)]).toEqual(['signed in', 'signed in']);
      const left = new Client({ connectionString: urlOfA });
      await left.connect();
      const lost = new Promise((resolve) => left.on('error', resolve));
      await run(database, [b]);
      await lost;
      expect([await signIn(urlOfA), await signIn(urlOfB)]).toEqual([wrongPassword, 'signed in']);
    },
  );

  test('a changed password replaces the former one', async () => {
    const database = await postgres.give('superuser');
    await run(database, [usersLogin('a', 'first')]);
    await run(database, [usersLogin('a', 'second')]);
    expect(await signIn(urlOf(database, 'mt_users_a', 'first'))).toBe(wrongPassword);
    expect(await signIn(urlOf(database, 'mt_users_a', 'second'))).toBe('signed in');
  });

  test('leaves the logins of other roles and of other names alone', async () => {
    const database = await postgres.give('superuser');
    await run(database, [{ role: 'mt_catalog', name: 'mt_catalog_a', password: 'first' }]);
    await database.asDba(`CREATE ROLE mt_users_reports LOGIN PASSWORD 'theirs' IN ROLE mt_users`);
    await run(database, [usersLogin('b', 'second')]);
    expect(await signIn(urlOf(database, 'mt_catalog_a', 'first'))).toBe('signed in');
    expect(await signIn(urlOf(database, 'mt_users_reports', 'theirs'))).toBe('signed in');
    await database.asDba('DROP ROLE mt_users_reports');
  });
});

describe('the environment', () => {
  test('has a login for each program, and a second one during a rotation', () => {
    expect(
      serviceLoginsIn({
        USERS_DB_USER: 'mt_users_b',
        USERS_DB_PASSWORD: 'second',
        USERS_SECOND_DB_USER: 'mt_users_a',
        USERS_SECOND_DB_PASSWORD: 'third',
      }),
    ).toEqual([usersLogin('b', 'second'), usersLogin('a', 'third')]);
    expect(serviceLoginsIn({})).toEqual([]);
  });

  test('a name without a password is refused', () => {
    expect(() => serviceLoginsIn({ USERS_DB_USER: 'mt_users_a' })).toThrow(
      'set both USERS_DB_USER and USERS_DB_PASSWORD, or neither',
    );
  });
});
