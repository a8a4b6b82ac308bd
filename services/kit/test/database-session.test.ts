import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { PassThrough } from 'node:stream';

import { migrate } from '@movie-ticketing/migrations/migrate';

import { makeDatabase, type Database } from '../src/database.ts';
import { makeLogger } from '../src/logging.ts';
import { Problem } from '../src/problems.ts';
import { databaseReadiness, logReadiness } from '../src/readiness.ts';
import { RoleRefused } from '../src/database-session.ts';
import { codeOf } from '../src/sqlstate.ts';
import {
  startDbaPostgres,
  type DbaPostgres,
  type GivenDatabase,
  type LoginKind,
} from '../testing/postgres-of-a-dba.ts';

const required = '0005_seed_runs';

let postgres: DbaPostgres;
let open: Database[];
let log: PassThrough;

beforeAll(async () => {
  postgres = await startDbaPostgres();
});

beforeEach(() => {
  open = [];
  log = new PassThrough();
});

afterEach(async () => {
  await Promise.all(open.map((db) => db.close()));
  await postgres.reset();
});

afterAll(() => postgres.stop());

const migrated = async (kind: LoginKind): Promise<GivenDatabase> => {
  const database = await postgres.give(kind);
  await migrate({ databaseUrl: database.url });
  return database;
};

const makePool = (url: string, role: { role?: 'mt_users' }, applicationName: string): Database => {
  const logger = makeLogger({ service: 'test', level: 'warn' }, log);
  const db = makeDatabase({ url, ...role, poolSize: 5, logger, applicationName });
  open.push(db);
  return db;
};
const usersPool = (url: string): Database => makePool(url, { role: 'mt_users' }, 'test-users');
const loginPool = (url: string): Database => makePool(url, {}, 'test-login');

/** The database users of five connections of a pool. */
const identities = async (db: Database): Promise<unknown[]> => {
  const found = await Promise.all(
    Array.from({ length: 5 }, () =>
      db.query<{ who: string }>('SELECT current_user AS who FROM pg_sleep(0.05)'),
    ),
  );
  expect(db.pool.totalCount).toBe(5);
  return [...new Set(found.flat().map(({ who }) => who))];
};

const logged = (): { message: string; level: string; role?: string }[] =>
  String(log.read() ?? '')
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as { message: string; level: string });

const refusalOf = async (db: Database): Promise<unknown> => {
  const refused = await db.query('SELECT 1').catch((error: unknown) => error);
  expect(refused).toBeInstanceOf(Problem);
  expect((refused as Problem).code).toBe('unavailable');
  return (refused as Problem).cause;
};

describe('a login that can set the role', () => {
  test.each(['superuser', 'createrole', 'granted'] as const)(
    '%s: every connection has the role, and nothing is logged',
    async (kind) => {
      const db = usersPool((await migrated(kind)).url);
      expect(await identities(db)).toEqual(['mt_users']);
      await expect(db.query('SELECT FROM payments')).rejects.toMatchObject({
        cause: { code: '42501' },
      });
      expect(await databaseReadiness(db, required)()).toBeUndefined();
      expect(logged()).toEqual([]);
    },
  );

  test('a login that is only a member of the role sets it', async () => {
    const database = await migrated('outsider');
    const url = new URL(database.url);
    url.username = `${database.login}_users`;
    await database.asDba(
      `CREATE ROLE ${url.username} LOGIN NOINHERIT PASSWORD 'given' IN ROLE mt_users`,
    );
    try {
      const db = usersPool(url.href);
      expect(await identities(db)).toEqual(['mt_users']);
      await db.close();
      open.pop();
    } finally {
      await database.asDba(`DROP ROLE ${url.username}`);
    }
  });
});

describe('a login that the migrations recorded as unable to set the role', () => {
  test.each(['bare', 'outsider'] as const)(
    '%s: every connection keeps the login, with one warning',
    async (kind) => {
      const database = await migrated(kind);
      const db = usersPool(database.url);
      expect(await identities(db)).toEqual([database.login]);
      expect(await databaseReadiness(db, required)()).toBeUndefined();
      expect(logged()).toEqual([
        expect.objectContaining({
          level: 'warn',
          role: 'mt_users',
          message: expect.stringContaining('works as the database login itself'),
        }),
      ]);
    },
  );

  test('does not set a role that was granted later until the migrations ran again', async () => {
    const database = await migrated('outsider');
    await database.asDba(`GRANT mt_users TO ${database.login}`);
    expect(await identities(usersPool(database.url))).toEqual([database.login]);
    await migrate({ databaseUrl: database.url });
    expect(await identities(usersPool(database.url))).toEqual(['mt_users']);
  });
});

describe('a missing role', () => {
  test.each([
    ['granted', 'until it is recorded that the login cannot set the role (control)'],
    ['superuser', 'also if it is recorded that the login cannot set the role'],
  ] as const)('refuses connections of a %s login, %s', async (kind, _) => {
    const database = await migrated(kind);
    await database.asDba('ALTER ROLE mt_users RENAME TO lost');
    try {
      const db = usersPool(database.url);
      expect(await refusalOf(db)).toBeInstanceOf(RoleRefused);
      expect(db.pool.totalCount).toBe(0);
      expect(await databaseReadiness(db, required)()).toMatch(
        /^the database login cannot take the role mt_users \(role "mt_users" does not exist\)/,
      );
      await database.asDba(`INSERT INTO roleless_logins VALUES ('${database.login}', 'mt_users')`);
      if (kind === 'granted') expect(await identities(db)).toEqual([database.login]);
      else expect(await refusalOf(db)).toBeInstanceOf(RoleRefused);
    } finally {
      await database.asDba('ALTER ROLE lost RENAME TO mt_users');
    }
  });

  test('refuses connections after the role was revoked, until it is granted again', async () => {
    const database = await migrated('granted');
    const db = usersPool(database.url);
    await database.asDba(`REVOKE mt_users FROM ${database.login}`);
    expect(codeOf(((await refusalOf(db)) as Error).cause)).toBe('42501');
    await database.asDba(`GRANT mt_users TO ${database.login}`);
    expect(await identities(db)).toEqual(['mt_users']);
  });

  test('the record of another login does not count', async () => {
    const database = await migrated('bare');
    const other = await postgres.giveForeign();
    const url = new URL(database.url);
    url.username = other.login;
    expect(await refusalOf(usersPool(url.href))).toBeInstanceOf(RoleRefused);
  });
});

describe('readiness', () => {
  test('logs each change, not each probe', async () => {
    const answers = [undefined, 'no database', 'no database', 'no role', undefined, undefined];
    const probe = logReadiness(
      () => Promise.resolve(answers.shift()),
      makeLogger({ service: 'test', level: 'info' }, log),
    );
    while (answers.length > 0) await probe();
    expect(logged()).toEqual([
      expect.objectContaining({ level: 'warn', message: 'not ready', reason: 'no database' }),
      expect.objectContaining({ level: 'warn', message: 'not ready', reason: 'no role' }),
      expect.objectContaining({ level: 'info', message: 'ready again' }),
    ]);
  });

  test('reports a database that is not migrated', async () => {
    const { url } = await postgres.give('superuser');
    expect(await databaseReadiness(usersPool(url), required)()).toContain('role "mt_users"');
    expect(await databaseReadiness(loginPool(url), required)()).toBe(
      'the database is not migrated',
    );
  });

  test('reports an unreachable database', async () => {
    const dead = createServer((socket) => socket.destroy()).listen(0, '127.0.0.1');
    await once(dead, 'listening');
    const { port } = dead.address() as AddressInfo;
    const db = usersPool(`postgres://unknown@127.0.0.1:${String(port)}/nothing`);
    expect(await databaseReadiness(db, required)()).toBe(
      'the database cannot be reached (Connection terminated unexpectedly)',
    );
    dead.close();
  });
});

test('a connection that is lost while it sets its role fails only its own query', async () => {
  const database = await migrated('granted');
  const db = usersPool(database.url);
  await loginPool(database.url).transaction(async (tx) => {
    await tx.query('LOCK TABLE roleless_logins');
    const asked = db.query('SELECT 1').catch((error: unknown) => error);
    let killed = 0;
    while (killed === 0) {
      const rows = await database.asDba<{ killed: boolean }>(
        `SELECT pg_terminate_backend(pid) AS killed FROM pg_stat_activity
         WHERE application_name = 'test-users' AND wait_event_type = 'Lock'`,
      );
      killed = rows.length;
    }
    expect(await asked).toMatchObject({ code: 'unavailable' });
  });
  expect(db.pool.totalCount).toBe(0);
  expect(await identities(db)).toEqual(['mt_users']);
});
