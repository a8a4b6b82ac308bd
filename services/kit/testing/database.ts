import { randomBytes } from 'node:crypto';
import { Client } from 'pg';

/** The variable by which the global setup passes the server to the workers, which inherit it. */
export const testPostgresVariable = 'MOVIE_TICKETING_TEST_POSTGRES';

export type TestDatabase = {
  /** The owner's URL (a superuser, unless DATABASE_URL names another). */
  url: string;
  drop(): Promise<void>;
};

type Run = { url: string; prefix: string };

const currentRun = (): Run => {
  const value = process.env[testPostgresVariable];
  if (value === undefined)
    throw new Error(
      'The tests have no PostgreSQL: run them with npm test, which uses jest.config.mjs',
    );
  return JSON.parse(value) as Run;
};

const urlOf = (database: string): string => {
  const url = new URL(currentRun().url);
  url.pathname = `/${database}`;
  return url.href;
};

const asOwner = async <T>(work: (client: Client) => Promise<T>): Promise<T> => {
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
};

// Names are generated, so they need no quoting.
const drop = async (database: string): Promise<void> => {
  await asOwner((client) => client.query(`DROP DATABASE IF EXISTS ${database} WITH (FORCE)`));
};

export const makeTemplate = async (prepare: (url: string) => Promise<void>): Promise<void> => {
  const template = `${currentRun().prefix}_template`;
  await asOwner((client) => client.query(`CREATE DATABASE ${template} TEMPLATE template0`));
  try {
    await prepare(urlOf(template));
  } catch (error) {
    await drop(template);
    throw error;
  }
  // A database with connections cannot be copied.
  await asOwner((client) => client.query(`ALTER DATABASE ${template} ALLOW_CONNECTIONS false`));
};

export const dropAll = async (): Promise<void> => {
  const { prefix } = currentRun();
  const found = await asOwner((client) =>
    client.query<{ datname: string }>(
      'SELECT datname FROM pg_database WHERE starts_with(datname, $1)',
      [prefix],
    ),
  );
  for (const { datname } of found.rows) await drop(datname);
};

/** A new database for one test, migrated unless `empty`. Drop it when done; the teardown drops the rest. */
export const createTestDatabase = async ({ empty = false } = {}): Promise<TestDatabase> => {
  const { prefix } = currentRun();
  const name = `${prefix}_${randomBytes(6).toString('hex')}`;
  const template = empty ? 'template0' : `${prefix}_template`;
  await asOwner((client) => client.query(`CREATE DATABASE ${name} TEMPLATE ${template}`));
  return { url: urlOf(name), drop: () => drop(name) };
};
