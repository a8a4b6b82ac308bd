import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { migrate } from '@movie-ticketing/migrations/migrate';
import { makeTemplate, TEST_POSTGRES } from './database.ts';
import { startTestPostgres, type TestPostgres } from './test-postgres.ts';

const MIGRATIONS = fileURLToPath(new URL('../../../migrations/sql', import.meta.url));

declare global {
  // Teardown runs in the same process, and nothing else of jest's reaches it.
  var testPostgres: TestPostgres | undefined;
}

async function migrateTemplate(databaseUrl: string): Promise<string> {
  const any = existsSync(MIGRATIONS) && readdirSync(MIGRATIONS).some((f) => f.endsWith('.sql'));
  if (!any) return 'no migrations yet';
  const { current } = await migrate({ databaseUrl });
  return `template at ${current ?? 'no migration'}`;
}

/** One server and one migrated template database for the whole run. */
export default async function setUp(): Promise<void> {
  const server = await startTestPostgres();
  globalThis.testPostgres = server;
  const prefix = `mt_test_${randomBytes(4).toString('hex')}`;
  process.env[TEST_POSTGRES] = JSON.stringify({ url: server.url, prefix });
  try {
    let state = '';
    await makeTemplate(async (url) => {
      state = await migrateTemplate(url);
    });
    process.stdout.write(`\nPostgres for tests: ${server.chosen} (${state})\n`);
  } catch (error) {
    await server.stop(); // jest runs no teardown after a failed setup
    throw error;
  }
}
