import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { access, constants, mkdir, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { Client } from 'pg';
import { assertRunnable, chooseAccount, takeOwnership, type Account } from './account.ts';
import { provideBinaries, type Binaries } from './binaries.ts';
import {
  clusterExists,
  createCluster,
  readSuperuserPassword,
  superuser,
  type Cluster,
} from './cluster.ts';
import { fromDataFolder, fromFileSystem } from './errors.ts';
import { lockDataFolder } from './folder-lock.ts';
import { launch, stopLeftover, type LaunchOptions, type Server } from './server.ts';

export { EmbeddedPostgresError } from './errors.ts';

export type EmbeddedPostgres = {
  /** Superuser URL of the database movie_ticketing. */
  url: string;
  stop(): Promise<void>;
};

export type EmbeddedPostgresOptions = {
  dataDir: string;
  /** Default true. False turns fsync off, for tests, whose data is not kept. */
  durable?: boolean;
  parameters?: Record<string, string>;
  /** Restarts it on the same port when it ends unexpectedly. Default false. */
  keepAlive?: boolean;
  progress?: (message: string) => void;
};

const databaseName = 'movie_ticketing';

const defaultParameters = {
  listen_addresses: '127.0.0.1',
  // A socket needs a short path that the account can write to; TCP always works.
  unix_socket_directories: '',
  max_connections: '200',
  shared_buffers: '256MB',
  wal_compression: 'on',
  password_encryption: 'scram-sha-256',
  timezone: 'UTC',
  log_timezone: 'UTC',
  // Above ERROR: a refused booking raises an error, and the log would grow with each.
  log_min_messages: 'log',
  log_checkpoints: 'off',
};

const notDurable = { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' };

/** One folder after the other: where none can be made (/proc), a recursive mkdir of Node.js tries for ever. */
const makeFolder = async (path: string): Promise<void> => {
  if (existsSync(path)) return;
  await makeFolder(dirname(path));
  await mkdir(path).catch((error: unknown) => {
    // Another process was faster.
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  });
};

const createDataFolder = async (dataDir: string): Promise<void> => {
  try {
    const existed = existsSync(dataDir);
    await makeFolder(dataDir);
    // Other users can enter it but not list it: PostgreSQL has another uid if this process is root.
    if (!existed) chmodSync(dataDir, 0o711);
    if (!(await stat(dataDir)).isDirectory())
      throw Object.assign(new Error(`${dataDir} is not a folder`), { code: 'ENOTDIR' });
    await access(dataDir, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    throw fromDataFolder(error, dataDir);
  }
};

const rememberedPort = (file: string): number => {
  const port = existsSync(file) ? Number(readFileSync(file, 'utf8')) : 0;
  return Number.isInteger(port) && port > 0 && port < 65_536 ? port : 0;
};

const ensureDatabase = async (port: number, password: string): Promise<string> => {
  const login = { host: '127.0.0.1', port, user: superuser, password, ssl: false };
  const client = new Client({ ...login, database: 'postgres', connectionTimeoutMillis: 10_000 });
  client.on('error', () => undefined); // a lost connection also rejects the query in flight
  await client.connect();
  try {
    const found = await client.query('SELECT FROM pg_database WHERE datname = $1', [databaseName]);
    if (found.rowCount === 0) await client.query(`CREATE DATABASE ${databaseName}`);
  } finally {
    await client.end();
  }
  return `postgres://${superuser}:${password}@127.0.0.1:${String(port)}/${databaseName}`;
};

const prepare = async (
  cluster: Cluster,
  progress: (message: string) => void,
): Promise<{ account: Account; binaries: Binaries }> => {
  const { dataDir, clusterDir } = cluster;
  const account = chooseAccount(dataDir, clusterDir);
  const binaries = await provideBinaries(account, dataDir);
  assertRunnable(account, binaries.postgres, dataDir);
  if (!clusterExists(cluster, binaries.major)) {
    progress(`Creating a PostgreSQL ${binaries.major} database in ${clusterDir}`);
    await createCluster(cluster, binaries, account);
  } else if (account.owner !== null && (await stat(clusterDir)).uid === 0) {
    takeOwnership(clusterDir, account.owner);
  }
  return { account, binaries };
};

type Running = { url: string; stop(): Promise<void> };

const startLocked = async (options: EmbeddedPostgresOptions, dataDir: string): Promise<Running> => {
  const { durable = true, parameters = {}, progress = () => undefined } = options;
  const cluster = { dataDir, clusterDir: join(dataDir, 'postgres'), durable };
  await stopLeftover(cluster.clusterDir, progress);
  const { account, binaries } = await prepare(cluster, progress);
  const password = readSuperuserPassword(cluster);
  const portFile = join(dataDir, 'postgres.port');
  const launching = {
    ...cluster,
    account,
    binaries,
    port: rememberedPort(portFile),
    parameters: { ...defaultParameters, ...(durable ? {} : notDurable), ...parameters },
    progress,
  };
  const server = await launch(launching);
  try {
    writeFileSync(portFile, `${String(server.port)}\n`);
    const url = await ensureDatabase(server.port, password);
    return options.keepAlive === true
      ? { url, stop: keepAlive(server, { ...launching, port: server.port }) }
      : { url, stop: server.stop };
  } catch (error) {
    await server.stop();
    throw error;
  }
};

/**
 * Restarts PostgreSQL when it ends unexpectedly, so that clients of its URL recover by themselves.
 * @returns a function that stops it for good
 */
const keepAlive = (first: Server, launching: LaunchOptions): (() => Promise<void>) => {
  let stopping = false;
  const isStopping = (): boolean => stopping;
  let server = first;
  const watch = async (): Promise<void> => {
    for (;;) {
      await server.ended;
      if (isStopping()) return;
      launching.progress('PostgreSQL ended unexpectedly: restarting it');
      await stopLeftover(launching.clusterDir, launching.progress);
      server = await launch(launching);
      if (isStopping()) await server.stop(); // stop() was called while it was starting
    }
  };
  const watching = watch().catch((error: unknown) => {
    launching.progress(`PostgreSQL cannot be restarted: ${String(error)}`);
  });
  return async () => {
    stopping = true;
    await server.stop();
    await watching;
  };
};

/**
 * Starts the PostgreSQL that npm installed, on a data folder that is created if needed, for as long as
 * this process lives.
 * @throws EmbeddedPostgresError
 */
export const startEmbeddedPostgres = async (
  options: EmbeddedPostgresOptions,
): Promise<EmbeddedPostgres> => {
  const dataDir = resolve(options.dataDir);
  try {
    await createDataFolder(dataDir);
    const lock = lockDataFolder(dataDir);
    try {
      const server = await startLocked(options, dataDir);
      let stopping: Promise<void> | undefined;
      const stop = (): Promise<void> =>
        (stopping ??= server.stop().finally(() => {
          lock.release();
        }));
      return { url: server.url, stop };
    } catch (error) {
      lock.release();
      throw error;
    }
  } catch (error) {
    throw fromFileSystem(error, dataDir);
  }
};
