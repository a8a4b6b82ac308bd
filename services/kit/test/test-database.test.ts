import { afterEach, expect, test } from '@jest/globals';
import { createTestDatabase, type TestDatabase } from '@movie-ticketing/kit/testing/database';
import { Client } from 'pg';

const made: TestDatabase[] = [];

const connectTo = async (options?: { empty?: boolean }): Promise<Client> => {
  const database = await createTestDatabase(options);
  made.push(database);
  const client = new Client({ connectionString: database.url });
  client.on('error', () => undefined);
  await client.connect();
  return client;
};

const tableNames = async (client: Client): Promise<string[]> => {
  const found = await client.query<{ tablename: string }>(
    "select tablename from pg_tables where schemaname = 'public'",
  );
  return found.rows.map(({ tablename }) => tablename);
};

afterEach(async () => {
  for (const database of made.splice(0)) await database.drop();
});

test('gives each test a database of its own', async () => {
  const [one, other] = await Promise.all([connectTo(), connectTo()]);
  await one.query('create table mine (id int)');
  expect(await tableNames(one)).toContain('mine');
  expect(await tableNames(other)).not.toContain('mine');
  await Promise.all([one.end(), other.end()]);
});

test('migrates a database, but not an empty one', async () => {
  const [migrated, empty] = await Promise.all([connectTo(), connectTo({ empty: true })]);
  expect(await tableNames(migrated)).toContain('pgmigrations');
  expect(await tableNames(empty)).toEqual([]);
  await Promise.all([migrated.end(), empty.end()]);
});

test('drops a database with connected clients', async () => {
  const client = await connectTo();
  const ended = new Promise((resolve) => client.once('end', resolve));
  await made[0]?.drop();
  await ended;
  await expect(client.query('select 1')).rejects.toThrow();
});
