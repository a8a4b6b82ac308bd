import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

import { afterEach, expect, test } from '@jest/globals';
import { createTestDatabase } from '@movie-ticketing/kit/testing/database';

const main = fileURLToPath(new URL('../src/main.ts', import.meta.url));

let child: ChildProcess | undefined;

afterEach(() => {
  child?.kill('SIGKILL');
});

const start = (environment: Record<string, string>) => {
  const started = spawn(process.execPath, [main], {
    env: {
      PATH: process.env['PATH'],
      HOST: '127.0.0.1',
      PORT: '0',
      MANAGEMENT_PORT: '0',
      ...environment,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  child = started;
  return started;
};

/** The log line with the ports. Workers may log before it. */
const serving = async (of: ChildProcess): Promise<Record<string, unknown>> => {
  for await (const line of createInterface({ input: of.stdout as NodeJS.ReadableStream })) {
    const said = JSON.parse(line) as Record<string, unknown>;
    if (said['message'] === 'catalog serves') return said;
  }
  throw new Error('the catalog exited before it was ready');
};

test('the catalog alone is ready, answers, exports metrics and stops on SIGTERM', async () => {
  const database = await createTestDatabase();
  const running = start({ DATABASE_URL: database.url });
  const { port, management_port } = await serving(running);
  const management = `http://127.0.0.1:${String(management_port)}`;
  expect((await fetch(`${management}/readyz`)).status).toBe(200);
  const answer = await fetch(`http://127.0.0.1:${String(port)}/movies`);
  expect(await answer.json()).toEqual({ movies: [], next_cursor: null });
  const metrics = await (await fetch(`${management}/metrics`)).text();
  expect(metrics).toMatch(
    /http_request_duration_seconds_count\{service="catalog",route="\/movies"/,
  );
  expect(metrics).toMatch(/database_pool_connections\{pool="catalog",state="idle"/);
  running.kill('SIGTERM');
  const [code] = await once(running, 'exit');
  expect(code).toBe(0);
  await database.drop();
});

test('without migrations the catalog is live but not ready', async () => {
  const database = await createTestDatabase({ empty: true });
  const running = start({ DATABASE_URL: database.url, LOG_LEVEL: 'info' });
  const { management_port } = await serving(running);
  const management = `http://127.0.0.1:${String(management_port)}`;
  expect((await fetch(`${management}/livez`)).status).toBe(200);
  const ready = await fetch(`${management}/readyz`);
  expect(ready.status).toBe(503);
  expect(await ready.text()).toMatch(/not migrated/);
  running.kill('SIGTERM');
  await once(running, 'exit');
  await database.drop();
});

test('rejects a bad environment with exit code 2, naming the variables without their values', async () => {
  const running = start({ DATABASE_URL: 'mysql://someone:hunter2@nowhere', PORT: '99999' });
  let said = '';
  running.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const [code] = await once(running, 'exit');
  expect(code).toBe(2);
  expect(said).toMatch(/^DATABASE_URL must be .*$/m);
  expect(said).toMatch(/^PORT must be .*$/m);
  expect(said).not.toMatch(/hunter2/);
});
