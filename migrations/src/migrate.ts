import { isLockTimeout } from '@movie-ticketing/kit/sqlstate';
import { PG_MIGRATE_LOCK_ID, runner } from 'node-pg-migrate';
import { Client, DatabaseError, type ClientBase, type Pool } from 'pg';
import { assertMayMigrate } from './login-rights.ts';
import { assertSameHistory } from './migration-checks.ts';
import { MigrationError } from './migration-error.ts';
import { MIGRATIONS_DIRECTORY, readMigrationFiles, type MigrationFile } from './migration-files.ts';
import { describeRoleless, setServiceRoles } from './service-roles.ts';

export { MigrationError } from './migration-error.ts';
export { requiredMigration } from './migration-files.ts';

/** Names are file names without `.sql`. */
export type MigrationReport = {
  /** What this run applied or, downwards, undid, in that order. */
  applied: string[];
  /** The newest migration that the database has now. */
  current: string | null;
  /** Which services go on without a role of their own, and why; absent where each has one. */
  warning?: string;
};

export type MigrateOptions = {
  databaseUrl: string;
  directory?: string;
  direction?: 'up' | 'down';
  /** How many; upwards all, downwards one unless given. */
  count?: number;
  log?: (message: string) => void;
  /** How long to wait for another run to finish; 300 unless given. */
  lockTimeoutSeconds?: number;
};

const TABLE = 'pgmigrations';

/** What a database has, oldest first; nothing where no migration ever ran. */
export async function appliedMigrations(client: ClientBase | Pool): Promise<string[]> {
  const table = await client.query<{ found: boolean }>(
    `select to_regclass('public.${TABLE}') is not null as found`,
  );
  if (table.rows[0]?.found !== true) return [];
  const applied = await client.query<{ name: string }>(
    `select name from public.${TABLE} order by run_on, id`,
  );
  return applied.rows.map(({ name }) => name);
}

async function connect(databaseUrl: string): Promise<Client> {
  const client = new Client({
    connectionString: databaseUrl,
    connectionTimeoutMillis: 10_000,
    application_name: 'movie-ticketing-migrate',
  });
  client.on('error', () => undefined); // a lost connection also rejects the query in flight
  try {
    await client.connect();
    return client;
  } catch (error) {
    const { message, code } = error as NodeJS.ErrnoException;
    throw new MigrationError(
      `Cannot connect to the database at ${client.host}:${String(client.port)} (${message === '' ? String(code) : message}). Check DATABASE_URL, or DB_HOST, DB_PORT, DB_USER, DB_PASSWORD and DB_NAME, and that it is up.`,
      error,
      'unreachable',
    );
  }
}

/** node-pg-migrate's own lock, so that its command line is kept out too. Ends with the connection. */
async function lock(
  client: Client,
  seconds: number,
  log: (message: string) => void,
): Promise<void> {
  await client.query('set statement_timeout = 0');
  // Whatever stands before public in the login's own path, be it a schema of its name: services look there.
  await client.query('set search_path = public');
  const tried = await client.query<{ locked: boolean }>(
    'select pg_try_advisory_lock($1) as locked',
    [PG_MIGRATE_LOCK_ID],
  );
  if (tried.rows[0]?.locked === true) return;
  log(`Another migration is running on this database; waiting up to ${String(seconds)} s`);
  try {
    await client.query("select set_config('lock_timeout', $1, false)", [`${String(seconds)}s`]);
    await client.query('select pg_advisory_lock($1)', [PG_MIGRATE_LOCK_ID]);
    await client.query('reset lock_timeout');
  } catch (error) {
    if (!isLockTimeout(error)) throw error;
    throw new MigrationError(
      `Another migration has been running on this database for ${String(seconds)} s. Wait for it, or end it (application_name movie-ticketing-migrate in pg_stat_activity), then run this again.`,
      error,
    );
  }
}

async function readChecksums(client: Client): Promise<Map<string, string>> {
  await client.query(`create table if not exists public.migration_checksums (
    name text primary key,
    checksum text not null
  )`);
  const found = await client.query<{ name: string; checksum: string }>(
    'select name, checksum from public.migration_checksums',
  );
  return new Map(found.rows.map(({ name, checksum }) => [name, checksum]));
}

/**
 * Before the files run, not after: a crash in between then leaves sums that the next run replaces
 * (only those of applied files are compared), never an applied file without one.
 */
async function writeChecksums(client: Client, pending: MigrationFile[]): Promise<void> {
  await client.query(
    `insert into public.migration_checksums (name, checksum)
     select * from unnest($1::text[], $2::text[])
     on conflict (name) do update set checksum = excluded.checksum`,
    [pending.map(({ name }) => name), pending.map(({ checksum }) => checksum)],
  );
}

async function run(
  client: Client,
  options: MigrateOptions & { directory: string },
  log: (message: string) => void,
): Promise<string[]> {
  const { direction = 'up', count } = options;
  let running = '';
  const note = (message: string): void => {
    running = /^### MIGRATION (\S+) /.exec(message)?.[1] ?? running;
  };
  try {
    const ran = await runner({
      dbClient: client,
      dir: options.directory,
      // Whatever does not end in .sql would else be loaded as JavaScript.
      ignorePattern: '(\\..*|(?!.*\\.sql$).*)',
      direction,
      ...(count === undefined ? {} : { count }),
      migrationsTable: TABLE,
      migrationsSchema: 'public',
      singleTransaction: true,
      noLock: true, // we hold it
      logger: { info: note, warn: note, error: note },
    });
    for (const { name } of ran) log(`${direction === 'up' ? 'Applied' : 'Undid'} ${name}`);
    return ran.map(({ name }) => name);
  } catch (error) {
    const where =
      error instanceof DatabaseError && error.where !== undefined ? ` (${error.where})` : '';
    throw new MigrationError(
      `${running === '' ? 'Migrating' : `${running}.sql (${direction})`} failed: ${(error as Error).message}${where}. The whole run was rolled back: the database is as it was before. Put the cause right and run it again.`,
      error,
    );
  }
}

/** Brings a database up to this program's migrations (or down). Throws MigrationError. */
export async function migrate(options: MigrateOptions): Promise<MigrationReport> {
  const { directory = MIGRATIONS_DIRECTORY, direction = 'up', lockTimeoutSeconds = 300 } = options;
  const log = options.log ?? (() => undefined);
  const files = readMigrationFiles(directory);
  const client = await connect(options.databaseUrl);
  try {
    await lock(client, lockTimeoutSeconds, log);
    await assertMayMigrate(client);
    const before = await appliedMigrations(client);
    const checksums = await readChecksums(client);
    assertSameHistory(files, before, checksums);
    if (direction === 'up') {
      // The second part heals databases that node-pg-migrate's own command line has migrated.
      const toRecord = files.filter(({ name }) => !before.includes(name) || !checksums.has(name));
      await writeChecksums(client, toRecord);
    }
    const applied = await run(client, { ...options, directory }, log);
    const current = (await appliedMigrations(client)).at(-1) ?? null;
    // Rights are those of the newest: on the way there a table may be missing.
    if (direction === 'down' || current !== files.at(-1)?.name) return { applied, current };
    const roleless = await setServiceRoles(client, directory);
    if (roleless === undefined) return { applied, current };
    const warning = describeRoleless(roleless);
    log(warning);
    return { applied, current, warning };
  } finally {
    await client.end();
  }
}
