import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

import { afterEach, describe, expect, test } from '@jest/globals';
import { makeDatabase } from '@movie-ticketing/kit/database';
import { silentLogger } from '@movie-ticketing/kit/testing/api';
import { createTestDatabase } from '@movie-ticketing/kit/testing/database';
import { migrate } from '@movie-ticketing/migrations/migrate';

import { insertPriceCard, insertPromoCode } from '../testing/builders.ts';

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
    const entry = JSON.parse(line) as Record<string, unknown>;
    if (entry['message'] === 'listening') return entry;
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
  let stderr = '';
  running.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const [code] = await once(running, 'exit');
  expect(code).toBe(2);
  expect(stderr).toMatch(/^DATABASE_URL must be .*$/m);
  expect(stderr).toMatch(/^PORT must be .*$/m);
  expect(stderr).not.toMatch(/hunter2/);
});

describe('CURRENCY that differs from the prices in the database', () => {
  const addMovie = async (url: string): Promise<void> => {
    const db = makeDatabase({ url, poolSize: 1, logger: silentLogger, applicationName: 'test' });
    await db.query(`INSERT INTO movies (title, title_folded, description, duration_minutes, price_minor, currency, start_date, end_date)
   VALUES ('Old', 'old', '', 90, 1000, 'USD', '2027-01-01', '2027-02-01')`);
    await db.close();
  };

  const addPromoCode = async (url: string): Promise<void> => {
    const db = makeDatabase({ url, poolSize: 1, logger: silentLogger, applicationName: 'test' });
    await insertPromoCode(db, { amount_minor: 100 });
    await db.close();
  };
  const addPriceCard = async (url: string): Promise<void> => {
    const db = makeDatabase({ url, poolSize: 1, logger: silentLogger, applicationName: 'test' });
    await insertPriceCard(db, { lines: [] });
    await db.close();
  };

  test.each([
    ['a movie', addMovie],
    ['a price card', addPriceCard],
    ['a promo code', addPromoCode],
  ])('is refused at the start with exit code 2, for %s', async (_what, add) => {
    const database = await createTestDatabase();
    await add(database.url);
    const running = start({ DATABASE_URL: database.url, CURRENCY: 'EUR' });
    let errors = '';
    running.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
    const [code] = await once(running, 'exit');
    expect(code).toBe(2);
    expect(errors).toBe(
      'CURRENCY is EUR, but the database has prices in USD: set CURRENCY to USD, or use another database\n',
    );
    await database.drop();
  });

  test('control: the currency of the prices is accepted', async () => {
    const database = await createTestDatabase();
    await addMovie(database.url);
    const running = start({ DATABASE_URL: database.url, CURRENCY: 'USD' });
    const { management_port } = await serving(running);
    const ready = await fetch(`http://127.0.0.1:${String(management_port)}/readyz`);
    expect(ready.status).toBe(200);
    running.kill('SIGTERM');
    await once(running, 'exit');
    await database.drop();
  });

  test('keeps the catalog from being ready where the database could not answer at the start', async () => {
    const database = await createTestDatabase({ empty: true });
    const running = start({ DATABASE_URL: database.url, CURRENCY: 'EUR' });
    const { management_port } = await serving(running);
    await migrate({ databaseUrl: database.url });
    await addMovie(database.url);
    const ready = await fetch(`http://127.0.0.1:${String(management_port)}/readyz`);
    expect(ready.status).toBe(503);
    expect(await ready.text()).toMatch(/CURRENCY is EUR/);
    running.kill('SIGTERM');
    await once(running, 'exit');
    await database.drop();
  });
});
