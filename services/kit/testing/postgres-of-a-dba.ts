import { randomBytes } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { loginsOf } from '../src/database-session.ts';
import { startEmbeddedPostgres } from '@movie-ticketing/embedded-postgres/embedded-postgres';

const serviceLogins = ['mt_catalog', 'mt_users', 'mt_bookings', 'mt_seed', 'mt_backup']
  .flatMap(loginsOf)
  .join(', ');
const serviceRoles = 'mt_catalog, mt_users, mt_bookings, mt_seed, mt_backup';

/** The kinds of login that a DBA may create: each must work, or be refused with what to grant. */
export const loginKinds = {
  superuser: 'a superuser',
  createrole: 'the database’s owner with CREATEROLE',
  granted: 'the database’s owner, with the roles made and granted by a DBA',
  bare: 'the database’s owner, and there are no roles',
  outsider: 'the database’s owner, and the roles are not granted to it',
} as const;
export type LoginKind = keyof typeof loginKinds;

export type GivenDatabase = {
  /** As the login. */
  url: string;
  login: string;
  name: string;
  /** Runs SQL in this database as the DBA, who is a superuser. */
  asDba: <Row extends object>(sql: string) => Promise<Row[]>;
  /** The same as the login. */
  asLogin: <Row extends object>(sql: string) => Promise<Row[]>;
};

/** A PostgreSQL server for one test, because roles belong to the whole server. */
export type DbaPostgres = {
  give: (kind: LoginKind) => Promise<GivenDatabase>;
  /** A database of another owner, and a login that can only connect to it. */
  giveForeign: () => Promise<GivenDatabase>;
  /** Drops every database, login and role. */
  reset: () => Promise<void>;
  stop: () => Promise<void>;
};

const run = async <Row extends object>(url: string, sql: string): Promise<Row[]> => {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 10_000 });
  client.on('error', () => undefined); // a lost connection also rejects the query in flight
  await client.connect();
  try {
    const result: unknown = await client.query(sql);
    return Array.isArray(result) ? [] : (result as { rows: Row[] }).rows;
  } finally {
    await client.end();
  }
};

const createRoles = `CREATE ROLE mt_catalog; CREATE ROLE mt_users; CREATE ROLE mt_bookings; CREATE ROLE mt_seed; CREATE ROLE mt_backup`;

const gifts: Record<LoginKind, (login: string) => string> = {
  superuser: (login) => `ALTER ROLE ${login} SUPERUSER`,
  createrole: (login) => `ALTER ROLE ${login} CREATEROLE`,
  granted: (login) => `${createRoles}; GRANT ${serviceRoles} TO ${login}`,
  bare: () => 'SELECT 1',
  outsider: () => createRoles,
};

export const startDbaPostgres = async (): Promise<DbaPostgres> => {
  const folder = mkdtempSync(join(tmpdir(), 'movie-ticketing-dba-'));
  chmodSync(folder, 0o755);
  const server = await startEmbeddedPostgres({ dataDir: join(folder, 'data'), durable: false });
  const made: { name: string; login: string }[] = [];

  const urlOf = (name: string, login?: string): string => {
    const url = new URL(server.url);
    url.pathname = `/${name}`;
    if (login !== undefined) [url.username, url.password] = [login, 'given'];
    return url.href;
  };

  const make = async ({ owned }: { owned: boolean }): Promise<GivenDatabase> => {
    const login = `app_${randomBytes(4).toString('hex')}`;
    const name = `db_${login}`;
    made.push({ name, login });
    await run(server.url, `CREATE ROLE ${login} LOGIN PASSWORD 'given'`);
    await run(server.url, `CREATE DATABASE ${name}${owned ? ` OWNER ${login}` : ''}`);
    return {
      url: urlOf(name, login),
      login,
      name,
      asDba: (sql) => run(urlOf(name), sql),
      asLogin: (sql) => run(urlOf(name, login), sql),
    };
  };

  return {
    give: async (kind) => {
      const database = await make({ owned: true });
      await database.asDba(gifts[kind](database.login));
      return database;
    },
    giveForeign: () => make({ owned: false }),
    reset: async () => {
      for (const { name } of made) {
        await run(server.url, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
      }
      await run(server.url, `DROP ROLE IF EXISTS ${serviceLogins}`);
      // A login that has granted a role cannot be dropped before the role.
      await run(server.url, `DROP ROLE IF EXISTS ${serviceRoles}`);
      for (const { login } of made.splice(0)) await run(server.url, `DROP ROLE ${login}`);
    },
    stop: async () => {
      await server.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
};
