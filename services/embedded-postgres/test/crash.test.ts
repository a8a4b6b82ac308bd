import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { join } from 'node:path';

import { startEmbeddedPostgres } from '../src/embedded-postgres.ts';
import {
  isAlive,
  postmasterPid,
  query,
  remove,
  startInChild,
  temporaryFolder,
  waitUntil,
  type Starter,
} from './embedded-postgres.fixture.ts';

let folder: string;
let dataDir: string;
const children: Starter[] = [];

const launch = (): Starter => {
  const child = startInChild(dataDir);
  children.push(child);
  return child;
};

const stop = async (child: Starter): Promise<void> => {
  child.process.kill('SIGTERM');
  await child.ended;
};

beforeEach(() => {
  folder = temporaryFolder();
  dataDir = join(folder, 'data');
});

afterEach(async () => {
  await Promise.all(children.splice(0).map(stop));
  remove(folder);
});

test('has every committed row after Node and PostgreSQL are killed with -9', async () => {
  const first = launch();
  const { url } = await first.next();
  await query(url, 'create table kept as select generate_series(1, 1000) as id');
  const postmaster = postmasterPid(dataDir);
  first.process.kill('SIGKILL');
  process.kill(postmaster, 'SIGKILL');
  await Promise.all([first.ended, waitUntil(() => !isAlive(postmaster))]);

  const second = await launch().next();
  expect(await query(second.url, 'select count(*)::int as rows from kept')).toEqual([
    { rows: 1000 },
  ]);
});

test('stops the old PostgreSQL when only Node was killed with -9', async () => {
  const first = launch();
  const { url } = await first.next();
  await query(url, 'create table kept as select 1 as id');
  const orphan = postmasterPid(dataDir);
  first.process.kill('SIGKILL');
  await first.ended;
  expect(isAlive(orphan)).toBe(true); // control: it does outlive node

  const second = await launch().next();
  expect(isAlive(orphan)).toBe(false);
  expect(await query(second.url, 'select id from kept')).toEqual([{ id: 1 }]);
});

test('waits for the backends of a postmaster that was killed', async () => {
  const first = launch();
  const { url } = await first.next();
  const busy = query(url, 'select pg_sleep(60)').catch(() => 'ended');
  const postmaster = postmasterPid(dataDir);
  process.kill(postmaster, 'SIGKILL');
  await stop(first);
  const second = await launch().next();
  expect(await query(second.url, 'select 1 as one')).toEqual([{ one: 1 }]);
  expect(await busy).toBe('ended');
});

test('refuses a second process on the folder, and the first continues', async () => {
  const first = launch();
  const { url } = await first.next();
  expect(await launch().next()).toEqual({
    code: 'locked',
    message: expect.stringContaining(`process ${String(first.process.pid)}`),
  });
  expect(await query(url, 'select 1 as one')).toEqual([{ one: 1 }]);
  await stop(first);
  expect(await launch().next()).toEqual({ url }); // control: freed, it starts
});

test('runs one of two processes that start on a new folder at the same time', async () => {
  const said = await Promise.all([launch().next(), launch().next()]);
  expect(said.filter(({ url }) => url !== undefined)).toHaveLength(1);
  expect(said.filter(({ code }) => code === 'locked')).toHaveLength(1);
});

test('creates the database after a start that was killed during initdb', async () => {
  const first = launch();
  const { existsSync, readdirSync } = await import('node:fs');
  await waitUntil(
    () => existsSync(dataDir) && readdirSync(dataDir).some((n) => /initdb-[0-9a-f]+$/.test(n)),
  );
  first.process.kill('SIGKILL');
  await first.ended;
  expect(existsSync(join(dataDir, 'postgres'))).toBe(false); // control: it was half way
  const second = await launch().next();
  expect(await query(second.url, 'select 1 as one')).toEqual([{ one: 1 }]);
});

test('restarts a killed PostgreSQL on the same port with its rows, with keepAlive', async () => {
  const said: string[] = [];
  const postgres = await startEmbeddedPostgres({
    dataDir,
    keepAlive: true,
    progress: (message) => said.push(message),
  });
  try {
    await query(postgres.url, 'create table kept as select 42 as answer');
    const before = postmasterPid(dataDir);
    process.kill(before, 'SIGKILL');
    await waitUntil(async () => {
      const rows = await query<{ answer: number }>(postgres.url, 'select answer from kept').catch(
        () => [],
      );
      return rows[0]?.answer === 42 && postmasterPid(dataDir) !== before;
    });
    expect(said).toContain('PostgreSQL ended unexpectedly: restarting it');
  } finally {
    await postgres.stop();
  }
  await expect(query(postgres.url, 'select 1')).rejects.toThrow();
});

test('stops PostgreSQL before Node ends on SIGTERM', async () => {
  const first = launch();
  await first.next();
  const postmaster = postmasterPid(dataDir);
  first.process.kill('SIGTERM');
  expect(await first.next()).toEqual({ stopped: true });
  expect(isAlive(postmaster)).toBe(false);
  await first.ended;
});
