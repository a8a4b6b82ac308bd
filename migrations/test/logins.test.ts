import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  LOGIN_KINDS,
  startDbaPostgres,
  type DbaPostgres,
  type GivenDatabase,
  type LoginKind,
} from '@movie-ticketing/kit/testing/postgres-of-a-dba';
import { Client } from 'pg';
import { migrate, type MigrationReport } from '../src/migrate.ts';

const MAIN = fileURLToPath(new URL('../src/main.ts', import.meta.url));
const MANUAL = fileURLToPath(new URL('../../docs/operate.md', import.meta.url));
const ROLES = ['mt_bookings', 'mt_catalog', 'mt_users'];

/** The block of SQL in the manual that holds this, as it stands there, for this login. */
const fromManual = (part: string, login: string): string => {
  const manual = readFileSync(MANUAL, 'utf8').split('## Roles in a database of your own')[1] ?? '';
  const blocks = [...manual.matchAll(/```sql\n(.*?)```/gs)].map(([, sql = '']) => sql);
  const found = blocks.find((sql) => sql.includes(part));
  if (found === undefined) throw new Error(`docs/operate.md has no SQL with ${part}`);
  return found.replaceAll(/\bTO app\b/g, `TO ${login}`);
};

let postgres: DbaPostgres;

beforeAll(async () => {
  postgres = await startDbaPostgres();
});

afterEach(() => postgres.reset());

afterAll(() => postgres.stop());

const run = ({ url }: GivenDatabase): Promise<MigrationReport> => migrate({ databaseUrl: url });

/** What a pool of the service would see: who it is, and that its rights suffice or don't. */
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
  names.map((name) => [LOGIN_KINDS[name], name]);

describe('a login that can take the services’ roles', () => {
  test.each(kinds('superuser', 'createrole', 'granted'))(
    'when it is %s, then every service has its role, at a second run too',
    async (_, kind) => {
      const database = await postgres.give(kind);
      for (const applied of [5, 0]) {
        const report = await run(database);
        expect(report.applied).toHaveLength(applied);
        expect(report.warning).toBeUndefined();
        expect(await takeAll(database)).toEqual(['taken', 'taken', 'taken']);
        expect(await roleless(database)).toEqual([]);
      }
    },
  );

  test('when who makes a role asks whether it is a member, then it is told so and yet cannot take it: hence SET', async () => {
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
  ] as const)('when it is %s, then all is migrated and it is said why', async (kind, why) => {
    const database = await postgres.give(kind);
    const said: string[] = [];
    const report = await migrate({ databaseUrl: database.url, log: (line) => said.push(line) });
    expect(report.applied).toHaveLength(5);
    expect(report.warning).toContain(
      `bookings, catalog, users run as the login "${database.login}" itself`,
    );
    expect(report.warning).toContain(`mt_bookings, mt_catalog, mt_users (${why})`);
    expect(said).toContain(report.warning);
    expect(await roleless(database)).toEqual(ROLES.map((role) => ({ role })));
    expect((await run(database)).warning).toBe(report.warning);
  });

  test('when the command ran, then its last words are what it did, and in a line of its own the warning', async () => {
    const { url } = await postgres.give('bare');
    const folder = mkdtempSync(join(tmpdir(), 'migrate-'));
    const file = join(folder, 'message');
    const env = { DATABASE_URL: url, TERMINATION_MESSAGE_FILE: file };
    const ran = spawnSync(process.execPath, [MAIN], { env, encoding: 'utf8' });
    const [done, warning, ...rest] = readFileSync(file, 'utf8').split('\n');
    expect(done).toBe('Done; the database is at 0005_seed_runs');
    expect(warning).toMatch(/^Without roles of their own: bookings, catalog, users run as/);
    expect(rest).toEqual([]);
    expect(ran.stdout.split('\n')).toEqual(expect.arrayContaining([warning, done]));
    expect(ran.status).toBe(0);
    rmSync(folder, { recursive: true });
  });

  test('when a DBA makes the roles and grants them later, then the next run gives them their rights', async () => {
    const database = await postgres.give('bare');
    await run(database);
    await database.asDba(fromManual('CREATE ROLE', database.login));
    // The control: the roles alone are worth nothing, so nobody may take them before that run.
    expect(await takeRole(database, 'mt_users')).not.toBe('taken');
    expect(await roleless(database)).toHaveLength(3);
    expect(await run(database)).toEqual({ applied: [], current: '0005_seed_runs' });
    expect(await takeAll(database)).toEqual(['taken', 'taken', 'taken']);
    expect(await roleless(database)).toEqual([]);
  });

  test('when just one role is there, then the other services alone do without', async () => {
    const database = await postgres.give('bare');
    await database.asDba(`CREATE ROLE mt_bookings; GRANT mt_bookings TO ${database.login}`);
    expect((await run(database)).warning).toMatch(
      /catalog, users run as .* Not taken: mt_catalog, mt_users \(missing/,
    );
    expect(await takeRole(database, 'mt_bookings')).toBe('taken');
  });

  test('when services have logins of their own, then the roles have their rights though the migrations’ login is no member', async () => {
    const database = await postgres.give('outsider');
    await database.asDba(`GRANT mt_users TO ${database.login} WITH SET FALSE`);
    await run(database);
    expect(
      await database.asDba(`SELECT has_table_privilege('mt_users', 'users', 'UPDATE') AS may`),
    ).toEqual([{ may: true }]);
  });
});

describe('rights', () => {
  test('when a role has more than its file says, then a run takes it away', async () => {
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

  test('when they are being set, then whatever serves meanwhile keeps its old ones until all are there', async () => {
    const database = await postgres.give('granted');
    await run(database);
    // A right that the last version needed and this one takes away: seen until the end, and then no more.
    await database.asLogin('GRANT SELECT ON seed_runs TO mt_bookings');
    const inUse = 'SET ROLE mt_bookings; SELECT FROM movies; SELECT FROM seed_runs';
    const holder = new Client({ connectionString: database.url });
    await holder.connect();
    await holder.query('BEGIN; LOCK TABLE roleless_logins IN SHARE MODE');
    const running = run(database);
    while (!(await waitsForLock(database))); // it has revoked and granted, and is about to record
    await database.asLogin(inUse);
    await holder.query('COMMIT');
    await holder.end();
    await running;
    await expect(database.asLogin(inUse)).rejects.toThrow('permission denied for table seed_runs');
  });

  test('when others’ tables lie in the schema, then they are left alone', async () => {
    const database = await postgres.give('granted');
    await database.asDba('CREATE TABLE theirs (id int); GRANT SELECT ON theirs TO mt_users');
    await run(database);
    expect(
      await database.asDba(`SELECT has_table_privilege('mt_users', 'theirs', 'SELECT') AS may`),
    ).toEqual([{ may: true }]);
  });

  test('when a schema has the login’s name, then the tables are in public all the same', async () => {
    const database = await postgres.give('granted');
    await database.asDba(`CREATE SCHEMA AUTHORIZATION ${database.login}`);
    await run(database);
    expect(
      await database.asDba(`SELECT DISTINCT schemaname FROM pg_tables WHERE tablename = 'users'`),
    ).toEqual([{ schemaname: 'public' }]);
  });
});

describe('a login that is not the database’s owner', () => {
  test('when it may create in the schema, then it migrates; without roles as itself', async () => {
    const database = await postgres.giveForeign();
    await database.asDba(`GRANT CREATE, USAGE ON SCHEMA public TO ${database.login}`);
    expect((await run(database)).applied).toHaveLength(5);
    expect(await roleless(database)).toHaveLength(3);
  });

  test('when roles may use the schema as all may, then it takes them', async () => {
    const database = await postgres.giveForeign();
    await database.asDba(`GRANT CREATE ON SCHEMA public TO ${database.login};
      CREATE ROLE mt_catalog; CREATE ROLE mt_users; CREATE ROLE mt_bookings;
      GRANT mt_catalog, mt_users, mt_bookings TO ${database.login}`);
    expect((await run(database)).warning).toBeUndefined();
    expect(await takeAll(database)).toEqual(['taken', 'taken', 'taken']);
  });

  test('when it cannot let the roles into the schema, then they are not taken until somebody does', async () => {
    const database = await postgres.giveForeign();
    await database.asDba(`REVOKE ALL ON SCHEMA public FROM PUBLIC;
      GRANT CREATE, USAGE ON SCHEMA public TO ${database.login};
      CREATE ROLE mt_catalog; CREATE ROLE mt_users; CREATE ROLE mt_bookings;
      GRANT mt_catalog, mt_users, mt_bookings TO ${database.login}`);
    expect((await run(database)).warning).toContain('without the right to use the schema public');
    await database.asDba('GRANT USAGE ON SCHEMA public TO mt_catalog, mt_users, mt_bookings');
    expect((await run(database)).warning).toBeUndefined();
    expect(await takeAll(database)).toEqual(['taken', 'taken', 'taken']);
  });

  test('when it may not create, then the error says what to grant, and that helps', async () => {
    const database = await postgres.giveForeign();
    const refused = await run(database).catch((error: unknown) => error as Error);
    expect(refused).toMatchObject({ name: 'MigrationError' });
    const grant = /GRANT [^;]+;/.exec((refused as Error).message)?.[0] ?? '';
    expect(grant).toBe(`GRANT USAGE, CREATE ON SCHEMA public TO "${database.login}";`);
    await database.asDba(grant);
    expect((await run(database)).applied).toHaveLength(5);
  });

  test('when there is no schema public, then the error says how to make it, and that helps', async () => {
    const database = await postgres.give('bare');
    await database.asDba('DROP SCHEMA public');
    const refused = await run(database).catch((error: unknown) => error as Error);
    await database.asDba(/CREATE SCHEMA [^;]+;/.exec((refused as Error).message)?.[0] ?? '');
    expect((await run(database)).applied).toHaveLength(5);
  });

  test('when another login made the tables, then it says whose they are', async () => {
    const database = await postgres.give('superuser');
    await run(database);
    await database.asDba(`CREATE ROLE lesser LOGIN PASSWORD 'given';
      GRANT CREATE, USAGE ON SCHEMA public TO lesser`);
    const url = new URL(database.url);
    url.username = 'lesser';
    try {
      await expect(migrate({ databaseUrl: url.href })).rejects.toThrow(
        `belong to "${database.login}", and the login "lesser" is not that role`,
      );
      await database.asDba(fromManual('ALTER TABLE', 'lesser'));
      expect((await migrate({ databaseUrl: url.href })).applied).toEqual([]);
      expect((await migrate({ databaseUrl: url.href, direction: 'down', count: 5 })).current).toBe(
        null,
      );
    } finally {
      await database.asDba('DROP OWNED BY lesser; DROP ROLE lesser');
    }
  });
});
