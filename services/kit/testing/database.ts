import { randomBytes } from 'node:crypto';
import { Client } from 'pg';

/** Global setup tells the workers through the environment, which they inherit. */
export const TEST_POSTGRES = 'MOVIE_TICKETING_TEST_POSTGRES';

export type TestDatabase = {
  /** The owner's URL (a superuser, unless DATABASE_URL names another). */
  url: string;
  drop(): Promise<void>;
};

type Run = { url: string; prefix: string };

function currentRun(): Run {
  const told = process.env[TEST_POSTGRES];
  if (told === undefined)
    throw new Error('There is no Postgres for tests: run them through jest.config.mjs (npm test)');
  return JSON.parse(told) as Run;
}

function urlOf(database: string): string {
  const url = new URL(currentRun().url);
  url.pathname = `/${database}`;
  return url.href;
}

async function asOwner<T>(work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({
    connectionString: currentRun().url,
    connectionTimeoutMillis: 10_000,
  });
  client.on('error', () => undefined); // a lost connection also rejects the query in flight
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

// Names are ours alone, so they need no quoting.
async function drop(database: string): Promise<void> {
  await asOwner((client) => client.query(`drop database if exists ${database} with (force)`));
}

export async function makeTemplate(prepare: (url: string) => Promise<void>): Promise<void> {
  const template = `${currentRun().prefix}_template`;
  await asOwner((client) => client.query(`create database ${template} template template0`));
  try {
    await prepare(urlOf(template));
  } catch (error) {
    await drop(template);
    throw error;
  }
  // A database that somebody is connected to cannot be copied.
  await asOwner((client) => client.query(`alter database ${template} allow_connections false`));
}

export async function dropAll(): Promise<void> {
  const { prefix } = currentRun();
  const found = await asOwner((client) =>
    client.query<{ datname: string }>(
      'select datname from pg_database where starts_with(datname, $1)',
      [prefix],
    ),
  );
  for (const { datname } of found.rows) await drop(datname);
}

/** A database of a test's own, migrated unless `empty`. Drop it when done; teardown drops the rest. */
export async function createTestDatabase({ empty = false } = {}): Promise<TestDatabase> {
  const { prefix } = currentRun();
  const name = `${prefix}_${randomBytes(6).toString('hex')}`;
  const template = empty ? 'template0' : `${prefix}_template`;
  await asOwner((client) => client.query(`create database ${name} template ${template}`));
  return { url: urlOf(name), drop: () => drop(name) };
}
