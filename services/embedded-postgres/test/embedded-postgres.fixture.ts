import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Client } from 'pg';

const CHILD = fileURLToPath(new URL('./embedded-postgres.child.ts', import.meta.url));

export type Said = { url?: string; code?: string; message?: string; stopped?: boolean };

export type Starter = {
  process: ChildProcess;
  /** What the child says next, or {} when it ends first. */
  next(): Promise<Said>;
  ended: Promise<unknown>;
};

/** A new temporary folder that other users can reach (mkdtemp makes it 0700). */
export const temporaryFolder = (mode = 0o755): string => {
  const folder = mkdtempSync(join(tmpdir(), 'movie-ticketing-embedded-'));
  chmodSync(folder, mode);
  return folder;
};

/** Starts Postgres in a node process of its own, one that can be killed; `through` goes in front. */
export const startInChild = (dataDir: string, through: string[] = []): Starter => {
  const [file, ...args] = [...through, process.execPath, CHILD, dataDir];
  const child = spawn(file, args, {
    stdio: ['ignore', 'pipe', 'inherit'],
    cwd: '/',
    env: { PATH: process.env['PATH'] },
  });
  const ended = once(child, 'exit');
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async (): Promise<Said> => {
    const line = await lines.next();
    return line.done === true ? {} : (JSON.parse(line.value) as Said);
  };
  return { process: child, next, ended };
};

export const query = async <T extends object>(
  url: string | undefined,
  sql: string,
): Promise<T[]> => {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 5000 });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return (await client.query<T>(sql)).rows;
  } finally {
    await client.end().catch(() => undefined);
  }
};

export const postmasterPid = (dataDir: string): number => {
  return Number(readFileSync(join(dataDir, 'postgres', 'postmaster.pid'), 'utf8').split('\n')[0]);
};

/** Running: one that ended and waits for its parent to notice (a zombie) is not. */
export const isAlive = (pid: number): boolean => {
  if (process.platform !== 'linux') return spawnSync('kill', ['-0', String(pid)]).status === 0;
  const stat = `/proc/${String(pid)}/stat`;
  try {
    return !readFileSync(stat, 'utf8').includes(') Z ');
  } catch {
    return false;
  }
};

export const waitUntil = async (condition: () => boolean | Promise<boolean>): Promise<void> => {
  while (!(await condition())) await delay(10); // the test's own timeout bounds it
};

export const remove = (folder: string): void => {
  rmSync(folder, { recursive: true, force: true });
};
