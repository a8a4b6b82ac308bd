import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import {
  startEmbeddedPostgres,
  type EmbeddedPostgres,
  type EmbeddedPostgresOptions,
} from '../src/embedded-postgres.ts';
import { query, remove, temporaryFolder } from './embedded-postgres.fixture.ts';

let folder: string;
let dataDir: string;
const running: EmbeddedPostgres[] = [];

const start = async (options: Partial<EmbeddedPostgresOptions> = {}): Promise<EmbeddedPostgres> => {
  const server = await startEmbeddedPostgres({ dataDir, durable: false, ...options });
  running.push(server);
  return server;
};

const setting = async (server: EmbeddedPostgres, name: string): Promise<string | undefined> =>
  (await query<{ value: string }>(server.url, `select current_setting('${name}') as value`))[0]
    ?.value;

beforeEach(() => {
  folder = temporaryFolder();
  dataDir = join(folder, 'data');
});

afterEach(async () => {
  await Promise.all(running.splice(0).map((server) => server.stop()));
  remove(folder);
});

describe('starting', () => {
  test('creates a database with a password in a new folder', async () => {
    const server = await start();
    const [row] = await query<{ name: string }>(server.url, 'select current_database() as name');
    expect(row).toEqual({ name: 'movie_ticketing' });
    const wrong = new URL(server.url);
    wrong.password = 'guess';
    await expect(query(wrong.href, 'select 1')).rejects.toThrow('password authentication failed');
    const passwordFile = join(dataDir, 'postgres', 'superuser.password');
    expect(statSync(passwordFile).mode & 0o777).toBe(0o600);
    expect(readFileSync(passwordFile, 'utf8').trim()).toBe(new URL(server.url).password);
  });

  test('has fsync and checksums on by default, and parameters override defaults', async () => {
    const server = await start({ durable: true, parameters: { max_connections: '37' } });
    expect(await setting(server, 'fsync')).toBe('on');
    expect(await setting(server, 'synchronous_commit')).toBe('on');
    expect(await setting(server, 'data_checksums')).toBe('on');
    expect(await setting(server, 'max_connections')).toBe('37');
    expect(await setting(server, 'listen_addresses')).toBe('127.0.0.1');
    expect(await setting(server, 'server_encoding')).toBe('UTF8');
  });

  test('turns fsync off when it need not be durable', async () => {
    expect(await setting(await start(), 'fsync')).toBe('off');
  });

  test('keeps data, password and port over a restart', async () => {
    const first = await start();
    await query(first.url, 'create table kept as select 1 as id');
    await first.stop();
    await expect(query(first.url, 'select 1')).rejects.toThrow();
    const second = await start();
    expect(second.url).toBe(first.url);
    expect(await query(second.url, 'select id from kept')).toEqual([{ id: 1 }]);
  });

  test('chooses another port when its last one is taken', async () => {
    const first = await start();
    await first.stop();
    const squatter = createServer().listen(Number(new URL(first.url).port), '127.0.0.1');
    try {
      const second = await start();
      expect(new URL(second.url).port).not.toBe(new URL(first.url).port);
      const { port } = new URL((await start({ dataDir: join(folder, 'other') })).url);
      expect(Number(port)).not.toBe((squatter.address() as AddressInfo).port);
    } finally {
      squatter.close();
    }
  });

  test('waits for the same end when stop is called twice', async () => {
    const server = await start();
    await Promise.all([server.stop(), server.stop()]);
    expect(existsSync(join(dataDir, 'postgres', 'postmaster.pid'))).toBe(false);
  });
});

describe('folders that cannot be used', () => {
  test('refuses a second start in the same process', async () => {
    await start();
    await expect(start()).rejects.toMatchObject({
      code: 'locked',
      message: expect.stringContaining(`process ${String(process.pid)}`),
    });
  });

  test('names both versions when another major version created the folder', async () => {
    const server = await start();
    await server.stop();
    writeFileSync(join(dataDir, 'postgres', 'PG_VERSION'), '16\n');
    await expect(start()).rejects.toMatchObject({
      code: 'version',
      message: expect.stringMatching(/created by PostgreSQL 16.*contains PostgreSQL 17/),
    });
    writeFileSync(join(dataDir, 'postgres', 'PG_VERSION'), '17\n'); // control: nothing else changed
    await start();
  });

  test('leaves the data folder of another program alone', async () => {
    mkdirSync(dataDir);
    writeFileSync(join(dataDir, 'PG_VERSION'), '17\n');
    await expect(start()).rejects.toMatchObject({ code: 'version' });
  });

  test('overwrites no files in a folder without a database', async () => {
    mkdirSync(join(dataDir, 'postgres'), { recursive: true });
    writeFileSync(join(dataDir, 'postgres', 'letter.txt'), 'mine');
    await expect(start()).rejects.toMatchObject({
      code: 'failed',
      message: expect.stringContaining('PG_VERSION is missing'),
    });
    expect(readFileSync(join(dataDir, 'postgres', 'letter.txt'), 'utf8')).toBe('mine');
  });

  test('reports a path that is a file', async () => {
    writeFileSync(dataDir, '');
    await expect(start()).rejects.toMatchObject({ code: 'unreachable' });
  });

  test('reports the message of PostgreSQL about an invalid parameter', async () => {
    await expect(start({ parameters: { shared_buffers: 'lots' } })).rejects.toMatchObject({
      code: 'failed',
      message: expect.stringContaining('shared_buffers'),
    });
    await start(); // control: the folder itself is sound, and free again
  });

  test('removes what a killed initdb left, and runs it again', async () => {
    mkdirSync(join(dataDir, 'postgres.initdb-killed'), { recursive: true });
    writeFileSync(join(dataDir, 'postgres.initdb-killed', 'PG_VERSION'), '17\n');
    await start();
    expect(existsSync(join(dataDir, 'postgres.initdb-killed'))).toBe(false);
  });
});
