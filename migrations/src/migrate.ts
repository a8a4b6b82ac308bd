import { runner } from 'node-pg-migrate';
import { DatabaseError, type Client, type ClientBase, type Pool } from 'pg';

import { assertMayMigrate } from './login-rights.ts';
import { assertSameHistory } from './migration-checks.ts';
import { MigrationError } from './migration-error.ts';
import { migrationsDirectory, readMigrationFiles, type MigrationFile } from './migration-files.ts';
import { connect, lock } from './migration-session.ts';
import { setServiceLogins, type ServiceLogin } from './service-logins.ts';
import { describeRoleless, setServiceRoles } from './service-roles.ts';

export { MigrationError } from './migration-error.ts';
export { requiredMigration } from './migration-files.ts';

/** Names are file names without `.sql`. */
export type MigrationReport = {
  /** The migrations that this run applied or undid, in that order. */
  applied: string[];
  /** The newest applied migration. */
  current: string | null;
  /** The services without a role of their own, and why; absent if every service has one. */
  warning?: string;
};

export type MigrateOptions = {
  databaseUrl: string;
  directory?: string;
  direction?: 'up' | 'down';
  /** How many migrations; default all for `up`, one for `down`. */
  count?: number;
  log?: (message: string) => void;
  /** Set after the migrations and the roles; default none. */
  serviceLogins?: readonly ServiceLogin[];
  /** How long to wait for another run to finish; default 300. */
  lockTimeoutSeconds?: number;
};

const migrationsTable = 'pgmigrations';

/** The applied migrations, oldest first. */
export const appliedMigrations = async (client: ClientBase | Pool): Promise<string[]> => {
  const table = await client.query<{ found: boolean }>(
    `SELECT to_regclass('public.${migrationsTable}') IS NOT NULL AS found`,
  );
  if (table.rows[0]?.found !== true) return [];
  const applied = await client.query<{ name: string }>(
    `SELECT name FROM public.${migrationsTable} ORDER BY run_on, id`,
  );
  return applied.rows.map(({ name }) => name);
};

const readChecksums = async (client: Client): Promise<Map<string, string>> => {
  await client.query(`CREATE TABLE IF NOT EXISTS public.migration_checksums (
    name text PRIMARY KEY,
    checksum text NOT NULL
  )`);
  const found = await client.query<{ name: string; checksum: string }>(
    'SELECT name, checksum FROM public.migration_checksums',
  );
  return new Map(found.rows.map(({ name, checksum }) => [name, checksum]));
};

/**
 * Runs before the migrations, not after: a crash in between then leaves checksums that the next run
 * replaces (only those of applied files are compared), never an applied file without one.
 */
const writeChecksums = async (client: Client, pending: MigrationFile[]): Promise<void> => {
  await client.query(
    `INSERT INTO public.migration_checksums (name, checksum)
     SELECT name, checksum FROM unnest($1::text[], $2::text[]) AS pending (name, checksum)
     ON CONFLICT (name) DO UPDATE SET checksum = EXCLUDED.checksum`,
    [pending.map(({ name }) => name), pending.map(({ checksum }) => checksum)],
  );
};

const run = async (
  client: Client,
  options: MigrateOptions & { directory: string },
  log: (message: string) => void,
): Promise<string[]> => {
  const { direction = 'up', count } = options;
  let running = '';
  const note = (message: string): void => {
    running = /^### MIGRATION (\S+) /.exec(message)?.[1] ?? running;
  };
  try {
    const ran = await runner({
      dbClient: client,
      dir: options.directory,
      // node-pg-migrate would load every other file as JavaScript.
      ignorePattern: '(\\..*|(?!.*\\.sql$).*)',
      direction,
      ...(count === undefined ? {} : { count }),
      migrationsTable,
      migrationsSchema: 'public',
      singleTransaction: true,
      noLock: true, // this program holds the lock
      logger: { info: note, warn: note, error: note },
    });
    for (const { name } of ran) log(`${direction === 'up' ? 'Applied' : 'Undid'} ${name}`);
    return ran.map(({ name }) => name);
  } catch (error) {
    const where =
      error instanceof DatabaseError && error.where !== undefined ? ` (${error.where})` : '';
    throw new MigrationError(
      `${running === '' ? 'The migration' : `${running}.sql (${direction})`} failed: ${(error as Error).message}${where}. The whole run was rolled back and the database is unchanged. Fix the cause, then migrate again.`,
      error,
    );
  }
};

/**
 * Applies the pending migrations to a database, or undoes applied ones.
 * @throws MigrationError
 */
export const migrate = async (options: MigrateOptions): Promise<MigrationReport> => {
  const { directory = migrationsDirectory, direction = 'up', lockTimeoutSeconds = 300 } = options;
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
      // node-pg-migrate's own command line applies migrations without a checksum.
      const toRecord = files.filter(({ name }) => !before.includes(name) || !checksums.has(name));
      await writeChecksums(client, toRecord);
    }
    const applied = await run(client, { ...options, directory }, log);
    const current = (await appliedMigrations(client)).at(-1) ?? null;
    // The grants are those of the newest migration: before it a table may be missing.
    if (direction === 'down' || current !== files.at(-1)?.name) return { applied, current };
    const roleless = await setServiceRoles(client, directory);
    if (options.serviceLogins !== undefined) await setServiceLogins(client, options.serviceLogins);
    if (roleless === undefined) return { applied, current };
    const warning = describeRoleless(roleless);
    log(warning);
    return { applied, current, warning };
  } finally {
    await client.end();
  }
};
