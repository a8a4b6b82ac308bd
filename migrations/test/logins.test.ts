import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  loginKinds,
  startDbaPostgres,
  type DbaPostgres,
  type GivenDatabase,
  type LoginKind,
} from '@movie-ticketing/kit/testing/postgres-of-a-dba';
import { Client } from 'pg';
import { migrate, type MigrationReport } from '../src/migrate.ts';

const MAIN = fileURLToPath(new URL('../src/main.ts', import.meta.url));
const docsFile = fileURLToPath(new URL('../../docs/configure-the-resource.md', import.meta.url));
const allTaken = ['taken', 'taken', 'taken', 'taken', 'taken'];
const ROLES = ['mt_backup', 'mt_bookings', 'mt_catalog', 'mt_seed', 'mt_users'];

/** The block of SQL in docs/configure-the-resource.md that contains `part`, for this login. */
const sqlFromDocs = (part: string, login: string): string => {
  const page = readFileSync(docsFile, 'utf8').split('## Roles in an external database')[1] ?? '';
  const blocks = [...page.matchAll(/```sql\n(.*?)```/gs)].map(([, sql = '']) => sql);
  const found = blocks.find((sql) => sql.includes(part));
  if (found === undefined)
    throw new Error(`docs/configure-the-resource.md has no SQL with ${part}`);
  return found.replaceAll(/\bTO app\b/g, `TO ${login}`);
};

let postgres: DbaPostgres;

beforeAll(async () => {
  postgres = await startDbaPostgres();
});

afterEach(() => postgres.reset());

afterAll(() => postgres.stop());

const run = ({ url }: GivenDatabase): Promise<MigrationReport> => migrate({ databaseUrl: url });

/** Takes the role as a pool of the service does. @returns 'taken' or the error */
const takeRole = async (database: GivenDatabase, role: string): Promise<string> => {
  try {
    await database.asLogin(`SET ROLE ${role}; SELECT count(*) FROM pgmigrations`);
    return 'taken';
  } catch (error) {
    return (error as Error).message;
  }
};

const takeAll = (database: GivenDatabase): Promise<string[]> =>
  Promise.all(ROLES.map((role) => takeRole(database, role)));

const roleless = (database: GivenDatabase): Promise<object[]> =>
  database.asDba(`SELECT role FROM roleless_logins WHERE login = '${database.login}' ORDER BY 1`);

const waitsForLock = async (database: GivenDatabase): Promise<boolean> => {
  const waiting = await database.asDba(
    `SELECT FROM pg_stat_activity
     WHERE application_name = 'movie-ticketing-migrate' AND wait_event_type = 'Lock'`,
  );
  return waiting.length === 1;
};

const kinds = (...names: LoginKind[]): [string, LoginKind][] =>
  names.map((name) => [loginKinds[name], name]);

describe('a login that can take the services’ roles', () => {
  test.each(kinds('superuser', 'createrole', 'granted'))(
    'for %s, each service has its role, also after a second run',
    async (_, kind) => {
      const database = await postgres.give(kind);
      for (const applied of [6, 0]) {
        const report = await run(database);
        expect(report.applied).toHaveLength(applied);
        expect(report.warning).toBeUndefined();
        expect(await takeAll(database)).toEqual(allTaken);
        expect(await roleless(database)).toEqual([]);
      }
    },
  );

  test('the creator of a role is a member but cannot take it until SET is granted', async () => {
    const database = await postgres.give('createrole');
    await database.asLogin('CREATE ROLE mt_users');
    expect(
      await database.asLogin(
        `SELECT pg_has_role('mt_users', 'MEMBER') AS member, pg_has_role('mt_users', 'SET') AS taken`,
      ),
    ).toEqual([{ member: true, taken: false }]);
    expect(await takeRole(database, 'mt_users')).toBe('permission denied to set role "mt_users"');
    expect((await run(database)).warning).toBeUndefined();
    expect(await takeRole(database, 'mt_users')).toBe('taken');
  });
});

describe('a login that cannot take them', () => {
  test.each([
    ['bare', 'missing, and the login may not create roles'],
    ['outsider', 'not granted to the login'],
  ] as const)(
    'for %s login everything is migrated and the warning has the reason',
    async (kind, why) => {
      const database = await postgres.give(kind);
      const logged: string[] = [];
      const report = await migrate({ databaseUrl: database.url, log: (line) => logged.push(line) });
      expect(report.applied).toHaveLength(6);
      expect(report.warning).toContain(
        `backup, bookings, catalog, seed, users run as the login "${database.login}" itself`,
      );
      expect(report.warning).toContain(
        `mt_backup, mt_bookings, mt_catalog, mt_seed, mt_users (${why})`,
      );
      expect(logged).toContain(report.warning);
      expect(await roleless(database)).toEqual(ROLES.map((role) => ({ role })));
      expect((await run(database)).warning).toBe(report.warning);
    },
  );

  test('the termination message has the outcome, and the warning on a line of its own', async () => {
    const { url } = await postgres.give('bare');
    const folder = mkdtempSync(join(tmpdir(), 'migrate-'));
    const file = join(folder, 'message');
    const env = { DATABASE_URL: url, TERMINATION_MESSAGE_FILE: file };
    const ran = spawnSync(process.execPath, [MAIN], { env, encoding: 'utf8' });
    const [done, warning, ...rest] = readFileSync(file, 'utf8').split('\n');
    expect(done).toBe('Done; the database is at 0006_seats_and_prices');
    expect(warning).toMatch(
      /^Without roles of their own: backup, bookings, catalog, seed, users run as/,
    );
    expect(rest).toEqual([]);
    expect(ran.stdout.split('\n')).toEqual(expect.arrayContaining([warning, done]));
    expect(ran.status).toBe(0);
    rmSync(folder, { recursive: true });
  });

  test('after a DBA has created and granted the roles, the next run grants their rights', async () => {
    const database = await postgres.give('bare');
    await run(database);
    await database.asDba(sqlFromDocs('CREATE ROLE', database.login));
    // The control: the roles have no rights yet, so they cannot be taken before that run.
    expect(await takeRole(database, 'mt_users')).not.toBe('taken');
    expect(await roleless(database)).toHaveLength(5);
    expect(await run(database)).toEqual({ applied: [], current: '0006_seats_and_prices' });
    expect(await takeAll(database)).toEqual(allTaken);
    expect(await roleless(database)).toEqual([]);
  });

  test('with one existing role only the other services have none', async () => {
    const database = await postgres.give('bare');
    await database.asDba(`CREATE ROLE mt_bookings; GRANT mt_bookings TO ${database.login}`);
    expect((await run(database)).warning).toMatch(
      /backup, catalog, seed, users run as .* Roles not taken: mt_backup, mt_catalog, mt_seed, mt_users \(missing/,
    );
    expect(await takeRole(database, 'mt_bookings')).toBe('taken');
  });

  test('with separate logins for services the roles get their rights without the migration login as a member', async () => {
    const database = await postgres.give('outsider');
    await database.asDba(`GRANT mt_users TO ${database.login} WITH SET FALSE`);
    await run(database);
    expect(
      await database.asDba(`SELECT has_table_privilege('mt_users', 'users', 'UPDATE') AS may`),
    ).toEqual([{ may: true }]);
  });
});

describe('rights', () => {
  test('a run revokes rights that are not in the role’s file', async () => {
    const database = await postgres.give('granted');
    await run(database);
    await database.asLogin(
      `GRANT ALL ON payments TO mt_catalog; GRANT UPDATE (email) ON users TO mt_bookings;
       GRANT USAGE ON SEQUENCE bookings_id_seq TO mt_users`,
    );
    await run(database);
    expect(
      await database.asDba(`SELECT has_any_column_privilege('mt_catalog', 'payments', 'SELECT') AS a,
        has_column_privilege('mt_bookings', 'users', 'email', 'UPDATE') AS b,
        has_column_privilege('mt_bookings', 'users', 'id', 'SELECT') AS c,
        has_sequence_privilege('mt_users', 'bookings_id_seq', 'USAGE') AS d`),
    ).toEqual([{ a: false, b: false, c: true, d: false }]);
  });

  test('a running service keeps its old rights until all new ones are granted', async () => {
    const database = await postgres.give('granted');
    await run(database);
    // A right of the last version that this one revokes: it holds until the commit.
    await database.asLogin('GRANT SELECT ON seed_runs TO mt_bookings');
    const inUse = 'SET ROLE mt_bookings; SELECT FROM movies; SELECT FROM seed_runs';
    const holder = new Client({ connectionString: database.url });
    await holder.connect();
    await holder.query('BEGIN; LOCK TABLE roleless_logins IN SHARE MODE');
    const running = run(database);
    while (!(await waitsForLock(database))); // it has revoked and granted, and waits to record
    await database.asLogin(inUse);
    await holder.query('COMMIT');
    await holder.end();
    await running;
    await expect(database.asLogin(inUse)).rejects.toThrow('permission denied for table seed_runs');
  });

  test('other tables in the schema are unchanged', async () => {
    const database = await postgres.give('granted');
    await database.asDba('CREATE TABLE theirs (id int); GRANT SELECT ON theirs TO mt_users');
    await run(database);
    expect(
      await database.asDba(`SELECT has_table_privilege('mt_users', 'theirs', 'SELECT') AS may`),
    ).toEqual([{ may: true }]);
  });

  test('the tables are in public even if a schema has the login’s name', async () => {
    const database = await postgres.give('granted');
    await database.asDba(`CREATE SCHEMA AUTHORIZATION ${database.login}`);
    await run(database);
    expect(
      await database.asDba(`SELECT DISTINCT schemaname FROM pg_tables WHERE tablename = 'users'`),
    ).toEqual([{ schemaname: 'public' }]);
  });
});

describe('a login that is not the database’s owner', () => {
  test('a login that may create tables migrates, without roles', async () => {
    const database = await postgres.giveForeign();
    await database.asDba(`GRANT CREATE, USAGE ON SCHEMA public TO ${database.login}`);
    expect((await run(database)).applied).toHaveLength(6);
    expect(await roleless(database)).toHaveLength(5);
  });

  test('takes existing roles that may use the schema', async () => {
    const database = await postgres.giveForeign();
    await database.asDba(`GRANT CREATE ON SCHEMA public TO ${database.login};
      CREATE ROLE mt_catalog; CREATE ROLE mt_users; CREATE ROLE mt_bookings; CREATE ROLE mt_seed; CREATE ROLE mt_backup;
      GRANT mt_catalog, mt_users, mt_bookings, mt_seed, mt_backup TO ${database.login}`);
    expect((await run(database)).warning).toBeUndefined();
    expect(await takeAll(database)).toEqual(allTaken);
  });

  test('roles that may not use the schema are not taken until a DBA grants it', async () => {
    const database = await postgres.giveForeign();
    await database.asDba(`REVOKE ALL ON SCHEMA public FROM PUBLIC;
      GRANT CREATE, USAGE ON SCHEMA public TO ${database.login};
      CREATE ROLE mt_catalog; CREATE ROLE mt_users; CREATE ROLE mt_bookings; CREATE ROLE mt_seed; CREATE ROLE mt_backup;
      GRANT mt_catalog, mt_users, mt_bookings, mt_seed, mt_backup TO ${database.login}`);
    expect((await run(database)).warning).toContain('without the right to use the schema public');
    await database.asDba(
      'GRANT USAGE ON SCHEMA public TO mt_catalog, mt_users, mt_bookings, mt_seed, mt_backup',
    );
    expect((await run(database)).warning).toBeUndefined();
    expect(await takeAll(database)).toEqual(allTaken);
  });

  test('the error for a login that may not create tables contains the GRANT that helps', async () => {
    const database = await postgres.giveForeign();
    const refused = await run(database).catch((error: unknown) => error as Error);
    expect(refused).toMatchObject({ name: 'MigrationError' });
    const grant = /GRANT [^;]+;/.exec((refused as Error).message)?.[0] ?? '';
    expect(grant).toBe(`GRANT USAGE, CREATE ON SCHEMA public TO "${database.login}";`);
    await database.asDba(grant);
    expect((await run(database)).applied).toHaveLength(6);
  });

  test('the error for a missing schema public contains the CREATE SCHEMA that helps', async () => {
    const database = await postgres.give('bare');
    await database.asDba('DROP SCHEMA public');
    const refused = await run(database).catch((error: unknown) => error as Error);
    await database.asDba(/CREATE SCHEMA [^;]+;/.exec((refused as Error).message)?.[0] ?? '');
    expect((await run(database)).applied).toHaveLength(6);
  });

  test('the error for tables of another login names their owner', async () => {
    const database = await postgres.give('superuser');
    await run(database);
    await database.asDba(`CREATE ROLE lesser LOGIN PASSWORD 'given';
      GRANT CREATE, USAGE ON SCHEMA public TO lesser`);
    const url = new URL(database.url);
    url.username = 'lesser';
    try {
      await expect(migrate({ databaseUrl: url.href })).rejects.toThrow(
        `belong to "${database.login}", and the login "lesser" does not have the rights of that role`,
      );
      await database.asDba(sqlFromDocs('ALTER TABLE', 'lesser'));
      expect((await migrate({ databaseUrl: url.href })).applied).toEqual([]);
      expect((await migrate({ databaseUrl: url.href, direction: 'down', count: 6 })).current).toBe(
        null,
      );
    } finally {
      await database.asDba('DROP OWNED BY lesser; DROP ROLE lesser');
    }
  });
});
