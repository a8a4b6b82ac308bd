import { isLockTimeout } from '@movie-ticketing/kit/sqlstate';
import { PG_MIGRATE_LOCK_ID } from 'node-pg-migrate';
import { Client } from 'pg';

import { MigrationError } from './migration-error.ts';

export const connect = async (databaseUrl: string): Promise<Client> => {
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
      `Cannot connect to the database at ${client.host}:${String(client.port)} (${message === '' ? String(code) : message}). Check DATABASE_URL, or DB_HOST, DB_PORT, DB_USER, DB_PASSWORD and DB_NAME, and that the database is running.`,
      error,
      'unreachable',
    );
  }
};

/** node-pg-migrate's own lock, which also excludes its command line. It ends with the connection. */
export const lock = async (
  client: Client,
  seconds: number,
  log: (message: string) => void,
): Promise<void> => {
  await client.query('SET statement_timeout = 0');
  // Services use the schema public, whatever comes first in the login's own search path.
  await client.query('SET search_path = public');
  const tried = await client.query<{ locked: boolean }>(
    'SELECT pg_try_advisory_lock($1) AS locked',
    [PG_MIGRATE_LOCK_ID],
  );
  if (tried.rows[0]?.locked === true) return;
  log(`Another migration is running on this database; waiting up to ${String(seconds)} s`);
  try {
    await client.query("SELECT set_config('lock_timeout', $1, false)", [`${String(seconds)}s`]);
    await client.query('SELECT pg_advisory_lock($1)', [PG_MIGRATE_LOCK_ID]);
    await client.query('RESET lock_timeout');
  } catch (error) {
    if (!isLockTimeout(error)) throw error;
    throw new MigrationError(
      `Another migration has been running on this database for ${String(seconds)} s. Wait for it to finish, or end its connection (application_name movie-ticketing-migrate in pg_stat_activity), then migrate again.`,
      error,
    );
  }
};
