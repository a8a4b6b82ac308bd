import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createTestDatabase, type TestDatabase } from '@movie-ticketing/kit/testing/database';
import { Client } from 'pg';

export type Fixture = {
  directory: string;
  url: string;
  /** Writes a migration; without `down` its down migration does nothing. */
  file(name: string, up: string, down?: string): void;
  remove(name: string): void;
  connect(): Promise<Client>;
  tables(): Promise<string[]>;
  dispose(): Promise<void>;
};

/** An empty database and an empty folder for migrations. */
export const makeFixture = async (): Promise<Fixture> => {
  const database: TestDatabase = await createTestDatabase({ empty: true });
  const directory = mkdtempSync(join(tmpdir(), 'movie-ticketing-migrations-'));
  const connected: Client[] = [];
  const connect = async (): Promise<Client> => {
    const client = new Client({ connectionString: database.url });
    client.on('error', () => undefined);
    connected.push(client);
    await client.connect();
    return client;
  };
  return {
    directory,
    url: database.url,
    file: (name, up, down = 'SELECT 1;') => {
      writeFileSync(
        join(directory, `${name}.sql`),
        `-- Up Migration\n${up}\n\n-- Down Migration\n${down}\n`,
      );
    },
    remove: (name) => {
      rmSync(join(directory, `${name}.sql`));
    },
    connect,
    tables: async () => {
      const client = await connect();
      const found = await client.query<{ name: string }>(
        `SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'
         AND tablename NOT IN ('pgmigrations', 'migration_checksums') ORDER BY 1`,
      );
      return found.rows.map(({ name }) => name);
    },
    dispose: async () => {
      await Promise.all(connected.map((client) => client.end()));
      await database.drop();
      rmSync(directory, { recursive: true, force: true });
    },
  };
};
