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

const pollMs = 20;
const readyWithinMs = 5 * 60_000; // recovery after a crash replays at most max_wal_size
const stoppedWithinMs = 60_000;
const maxLogBytes = 10_000_000;

export type LaunchOptions = {
  binaries: Binaries;
  account: Account;
  dataDir: string;
  clusterDir: string;
  port: number;
  parameters: Record<string, string>;
  progress: (message: string) => void;
};

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
};

const pidFileLines = (clusterDir: string): string[] => {
  const file = join(clusterDir, 'postmaster.pid');
  return existsSync(file) ? readFileSync(file, 'utf8').split('\n') : [];
};

/** The working directory of every PostgreSQL process is its data folder; a pid alone may have been reused. */
const isPostgresIn = (pid: number, clusterDir: string): boolean => {
  try {
    return (
      readlinkSync(`/proc/${String(pid)}/cwd`) === clusterDir &&
      readFileSync(`/proc/${String(pid)}/comm`, 'utf8').startsWith('postgres')
    );
  } catch {
    return false; // it has ended, or belongs to another user
  }
};

const leftoverProcesses = (clusterDir: string): number[] => {
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
};

const until = async (condition: () => boolean, withinMs: number): Promise<boolean> => {
  const deadline = Date.now() + withinMs;
  while (!condition()) {
    if (Date.now() > deadline) return false;
    await delay(pollMs);
  }
  return true;
};

/**
 * Stops a PostgreSQL whose Node process was killed (kill -9). It is not adopted: the new one runs with the
 * parameters of this start and as a child process. Call with the data folder locked.
 */
export const stopLeftover = async (
  clusterPath: string,
  progress: (message: string) => void,
): Promise<void> => {
  if (!existsSync(clusterPath)) return;
  const clusterDir = realpathSync(clusterPath);
  const gone = (): boolean => leftoverProcesses(clusterDir).length === 0;
  if (!gone()) {
    progress('Stopping the PostgreSQL of an earlier start');
    const postmaster = Number(pidFileLines(clusterDir)[0]);
    const signal = (name: NodeJS.Signals): void => {
      // A backend without its postmaster ends by itself.
      if (leftoverProcesses(clusterDir).includes(postmaster)) process.kill(postmaster, name);
    };
    signal('SIGINT');
    if (!(await until(gone, stoppedWithinMs))) signal('SIGQUIT');
    if (!(await until(gone, stoppedWithinMs))) {
      throw new EmbeddedPostgresError(
        'failed',
        `The PostgreSQL of an earlier start does not stop (process ${String(postmaster)}). Stop it manually, then start again.`,
      );
    }
  }
  // PostgreSQL takes any live process with the old pid for its postmaster, and pids are reused.
  if (process.platform === 'linux') rmSync(join(clusterDir, 'postmaster.pid'), { force: true });
};

/** The wanted port if it is free, else another free one. */
export const pickPort = async (wanted: number): Promise<number> => {
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
};

const openLog = (dataDir: string): { fd: number; outputSinceStart: () => string } => {
  const file = join(dataDir, 'postgres.log');
  if ((statSync(file, { throwIfNoEntry: false })?.size ?? 0) > maxLogBytes)
    renameSync(file, `${file}.1`);
  const fd = openSync(file, 'a', 0o600);
  const start = statSync(file).size;
  return { fd, outputSinceStart: () => readFileSync(file).subarray(start).toString('utf8') };
};

export type Server = {
  port: number;
  pid: number;
  stop(): Promise<void>;
  /** Resolves when it has ended for any reason. */
  ended: Promise<void>;
};

const makeStop = (child: ChildProcess, options: LaunchOptions): (() => Promise<void>) => {
  const ended = (): boolean => child.exitCode !== null || child.signalCode !== null;
  const onExit = (): void => void child.kill('SIGINT');
  // An orderly end of Node, also after an uncaught error, stops PostgreSQL.
  process.once('exit', onExit);
  child.once('exit', () => process.off('exit', onExit));
  return async () => {
    if (ended()) return;
    if (process.platform === 'win32') {
      spawnSync(options.binaries.pgCtl, ['stop', '-m', 'fast', '-D', options.clusterDir]);
    } else child.kill('SIGINT'); // fast shutdown: ends sessions and writes a checkpoint, so no recovery is needed
    if (!(await until(ended, stoppedWithinMs))) child.kill('SIGQUIT');
    if (await until(ended, stoppedWithinMs)) return;
    throw new EmbeddedPostgresError(
      'failed',
      `PostgreSQL does not stop (process ${String(child.pid)}). Stop it manually. No confirmed data is lost.`,
    );
  };
};

type Attempt = { server: Server } | { output: string };

const attempt = async (options: LaunchOptions): Promise<Attempt> => {
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
  exited.catch(() => undefined); // it could not be spawned: the next line throws
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
  const inTime = await until(() => ended() || ready(), readyWithinMs);
  clearTimeout(slow);
  if (inTime && !ended()) return { server: { port, pid: child.pid ?? 0, stop, ended: exited } };
  await stop();
  return { output: log.outputSinceStart() };
};

const portTakenPattern = /Address already in use|could not create any TCP\/IP sockets/i;
const backendsEndingPattern =
  /pre-existing shared memory block|lock file "postmaster.pid" already exists/i;

/** Starts PostgreSQL and waits until it accepts connections; chooses another port if one is taken. */
export const launch = async (options: LaunchOptions): Promise<Server> => {
  const retryUntil = Date.now() + 15_000;
  let port = await pickPort(options.port);
  for (;;) {
    const result = await attempt({ ...options, port });
    if ('server' in result) return result.server;
    const portTaken = portTakenPattern.test(result.output);
    if (!(portTaken || backendsEndingPattern.test(result.output)) || Date.now() > retryUntil)
      throw fromOutput('postgres', result.output, options.dataDir);
    if (portTaken) port = await pickPort(0);
    else await delay(200);
  }
};
