import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { startEmbeddedPostgres } from '@movie-ticketing/embedded-postgres/embedded-postgres';

/** Runs a command with the DATABASE_URL of a new embedded PostgreSQL. */
const [command, ...args] = process.argv.slice(2);
if (command === undefined) throw new Error('usage: with-postgres.ts COMMAND ARGUMENT...');
const dataDir = await mkdtemp(join(tmpdir(), 'with-postgres-'));
const postgres = await startEmbeddedPostgres({ dataDir, durable: false });
const child = spawn(command, args, {
  stdio: 'inherit',
  env: { ...process.env, DATABASE_URL: postgres.url },
});
const code = await new Promise<number>((resolve) => {
  child.on('exit', (status) => {
    resolve(status ?? 1);
  });
});
await postgres.stop();
await rm(dataDir, { recursive: true, force: true });
process.exit(code);
