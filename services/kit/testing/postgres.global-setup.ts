import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { migrate } from '@movie-ticketing/migrations/migrate';
import { makeTemplate, testPostgresVariable } from './database.ts';
import { startTestPostgres, type TestPostgres } from './test-postgres.ts';

const migrationsFolder = fileURLToPath(new URL('../../../migrations/sql', import.meta.url));

declare global {
  // The teardown runs in the same process; jest has no other way to pass it a value.
  var testPostgres: TestPostgres | undefined;
}

const migrateTemplate = async (databaseUrl: string): Promise<string> => {
  const any =
    existsSync(migrationsFolder) && readdirSync(migrationsFolder).some((f) => f.endsWith('.sql'));
  if (!any) return 'no migrations yet';
  const { current } = await migrate({ databaseUrl });
  return `template at ${current ?? 'no migration'}`;
};

/** Starts one server with one migrated template database for the whole run. */
export default async function setUp(): Promise<void> {
  const server = await startTestPostgres();
  globalThis.testPostgres = server;
  const prefix = `mt_test_${randomBytes(4).toString('hex')}`;
  process.env[testPostgresVariable] = JSON.stringify({ url: server.url, prefix });
  try {
    let state = '';
    await makeTemplate(async (url) => {
      state = await migrateTemplate(url);
    });
    process.stdout.write(`\nPostgreSQL for tests: ${server.chosen} (${state})\n`);
  } catch (error) {
    await server.stop(); // jest runs no teardown after a failed setup
    throw error;
  }
}
