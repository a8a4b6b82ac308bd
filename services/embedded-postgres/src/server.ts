import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  existsSync,
  openSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { commandAs, type Account } from './account.ts';
import type { Binaries } from './binaries.ts';
import { EmbeddedPostgresError, fromOutput } from './errors.ts';

const POLL_MS = 20;
const READY_WITHIN_MS = 5 * 60_000; // recovery after a crash replays at most max_wal_size
const STOPPED_WITHIN_MS = 60_000;
const LOG_KEPT_BYTES = 10_000_000;

export type LaunchOptions = {
  binaries: Binaries;
  account: Account;
  dataDir: string;
  clusterDir: string;
  port: number;
  parameters: Record<string, string>;
  progress: (message: string) => void;
};

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function pidFileLines(clusterDir: string): string[] {
  const file = join(clusterDir, 'postmaster.pid');
  return existsSync(file) ? readFileSync(file, 'utf8').split('\n') : [];
}

/** Every process of a Postgres sits in its data folder; a pid alone may long be somebody else's. */
function isPostgresIn(pid: number, clusterDir: string): boolean {
  try {
    return (
      readlinkSync(`/proc/${String(pid)}/cwd`) === clusterDir &&
      readFileSync(`/proc/${String(pid)}/comm`, 'utf8').startsWith('postgres')
    );
  } catch {
    return false; // gone meanwhile, or not ours to look at
  }
}

function leftoverProcesses(clusterDir: string): number[] {
  if (process.platform === 'linux') {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map(Number)
      .filter((pid) => isPostgresIn(pid, clusterDir));
  }
  const pid = Number(pidFileLines(clusterDir)[0]);
  if (!Number.isInteger(pid) || !isAlive(pid)) return [];
  const shown = spawnSync('ps', ['-p', String(pid), '-o', 'command='], { encoding: 'utf8' });
  return shown.stdout.includes(clusterDir) ? [pid] : [];
}

async function until(condition: () => boolean, withinMs: number): Promise<boolean> {
  const deadline = Date.now() + withinMs;
  while (!condition()) {
    if (Date.now() > deadline) return false;
    await delay(POLL_MS);
  }
  return true;
}

/**
 * A Postgres that outlived its node process (kill -9) is stopped, not adopted: the new one then
 * runs with the parameters of this start, and as our child. Call with the data folder locked.
 */
export async function stopLeftover(
  clusterPath: string,
  progress: (message: string) => void,
): Promise<void> {
  if (!existsSync(clusterPath)) return;
  const clusterDir = realpathSync(clusterPath);
  const gone = (): boolean => leftoverProcesses(clusterDir).length === 0;
  if (!gone()) {
    progress('Stopping the PostgreSQL that an earlier start left behind');
    const postmaster = Number(pidFileLines(clusterDir)[0]);
    const signal = (name: NodeJS.Signals): void => {
      // Without its postmaster a backend ends by itself.
      if (leftoverProcesses(clusterDir).includes(postmaster)) process.kill(postmaster, name);
    };
    signal('SIGINT');
    if (!(await until(gone, STOPPED_WITHIN_MS))) signal('SIGQUIT');
    if (!(await until(gone, STOPPED_WITHIN_MS))) {
      throw new EmbeddedPostgresError(
        'failed',
        `A PostgreSQL from an earlier start does not stop (process ${String(postmaster)}). End it by hand, then start again.`,
      );
    }
  }
  // Postgres would take any live process with the old pid for its own (pids are reused).
  if (process.platform === 'linux') rmSync(join(clusterDir, 'postmaster.pid'), { force: true });
}

/** The wanted port if it is free, else one that is. */
export async function pickPort(wanted: number): Promise<number> {
  const probe = createServer();
  const listening = once(probe, 'listening').then(
    () => true,
    () => false,
  );
  probe.listen(wanted, '127.0.0.1');
  if (!(await listening)) return wanted === 0 ? 0 : pickPort(0);
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  return port;
}

function openLog(dataDir: string): { fd: number; saidSince: () => string } {
  const file = join(dataDir, 'postgres.log');
  if ((statSync(file, { throwIfNoEntry: false })?.size ?? 0) > LOG_KEPT_BYTES)
    renameSync(file, `${file}.1`);
  const fd = openSync(file, 'a', 0o600);
  const start = statSync(file).size;
  return { fd, saidSince: () => readFileSync(file).subarray(start).toString('utf8') };
}

export type Server = {
  port: number;
  pid: number;
  stop(): Promise<void>;
  /** Resolves when it has ended, whoever ended it. */
  ended: Promise<void>;
};

function makeStop(child: ChildProcess, options: LaunchOptions): () => Promise<void> {
  const ended = (): boolean => child.exitCode !== null || child.signalCode !== null;
  const onExit = (): void => void child.kill('SIGINT');
  // Whatever ends node in an orderly way, an uncaught error included, ends Postgres.
  process.once('exit', onExit);
  child.once('exit', () => process.off('exit', onExit));
  return async () => {
    if (ended()) return;
    if (process.platform === 'win32') {
      spawnSync(options.binaries.pgCtl, ['stop', '-m', 'fast', '-D', options.clusterDir]);
    } else child.kill('SIGINT'); // "fast": sessions are ended, all is written, no recovery next time
    if (!(await until(ended, STOPPED_WITHIN_MS))) child.kill('SIGQUIT');
    if (await until(ended, STOPPED_WITHIN_MS)) return;
    throw new EmbeddedPostgresError(
      'failed',
      `PostgreSQL does not stop (process ${String(child.pid)}). End it by hand; what was confirmed is safe.`,
    );
  };
}

type Attempt = { server: Server } | { output: string };

async function attempt(options: LaunchOptions): Promise<Attempt> {
  const { binaries, account, dataDir, clusterDir, port, parameters } = options;
  const settings = Object.entries({ ...parameters, port: String(port) });
  const args = ['-D', clusterDir, ...settings.flatMap(([key, value]) => ['-c', `${key}=${value}`])];
  const command = commandAs(account, binaries.postgres, args);
  const log = openLog(dataDir);
  const child = spawn(command.file, command.args, {
    ...command.options,
    stdio: ['ignore', log.fd, log.fd],
  });
  closeSync(log.fd);
  child.unref();
  const exited = once(child, 'exit').then(() => undefined);
  exited.catch(() => undefined); // it could not be spawned: the next line says so
  await once(child, 'spawn');
  const stop = makeStop(child, options);
  const ended = (): boolean => child.exitCode !== null || child.signalCode !== null;
  const ready = (): boolean => {
    const lines = pidFileLines(clusterDir);
    return lines[0] === String(child.pid) && lines[7]?.trim() === 'ready';
  };
  const slow = setTimeout(() => {
    options.progress('PostgreSQL is recovering from a crash');
  }, 3000);
  const inTime = await until(() => ended() || ready(), READY_WITHIN_MS);
  clearTimeout(slow);
  if (inTime && !ended()) return { server: { port, pid: child.pid ?? 0, stop, ended: exited } };
  await stop();
  return { output: log.saidSince() };
}

const PORT_TAKEN = /Address already in use|could not create any TCP\/IP sockets/i;
const BACKENDS_ENDING =
  /pre-existing shared memory block|lock file "postmaster.pid" already exists/i;

/** Starts Postgres and waits until it takes connections; gives it another port where one is taken. */
export async function launch(options: LaunchOptions): Promise<Server> {
  const patienceUntil = Date.now() + 15_000;
  let port = await pickPort(options.port);
  for (;;) {
    const result = await attempt({ ...options, port });
    if ('server' in result) return result.server;
    const portTaken = PORT_TAKEN.test(result.output);
    if (!(portTaken || BACKENDS_ENDING.test(result.output)) || Date.now() > patienceUntil)
      throw fromOutput('postgres', result.output, options.dataDir);
    if (portTaken) port = await pickPort(0);
    else await delay(200);
  }
}
