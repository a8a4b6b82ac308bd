import { randomBytes } from 'node:crypto';
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { chmod, chown, mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { commandAs, type Account } from './account.ts';
import type { Binaries } from './binaries.ts';
import { EmbeddedPostgresError, fromOutput } from './errors.ts';

export const superuser = 'postgres';

const passwordFile = 'superuser.password';
const unfinishedPrefix = 'postgres.initdb-';

export type Cluster = { dataDir: string; clusterDir: string; durable: boolean };

const versionOf = (directory: string): string | null => {
  const file = join(directory, 'PG_VERSION');
  return existsSync(file) ? readFileSync(file, 'utf8').trim() : null;
};

/** True: the folder holds our cluster. False: there is none yet. Throws for anything else in the folder. */
export const clusterExists = ({ dataDir, clusterDir }: Cluster, major: string): boolean => {
  if (versionOf(dataDir) !== null) {
    throw new EmbeddedPostgresError(
      'version',
      `${dataDir} is a data folder of PostgreSQL ${versionOf(dataDir) ?? ''} that another program created. Set DATA_DIR to another folder.`,
    );
  }
  const version = versionOf(clusterDir);
  if (version === major) return true;
  if (version !== null) {
    throw new EmbeddedPostgresError(
      'version',
      `${clusterDir} was created by PostgreSQL ${version}, and this release contains PostgreSQL ${major}. Start the release that created it and move the data with pg_dump, or set DATA_DIR to an empty folder to start with an empty database.`,
    );
  }
  if (existsSync(clusterDir) && readdirSync(clusterDir).length > 0) {
    throw new EmbeddedPostgresError(
      'failed',
      `${clusterDir} contains files but no PostgreSQL database (PG_VERSION is missing). Restore it from a backup, or move it away to start with an empty database.`,
    );
  }
  return false;
};

export const readSuperuserPassword = ({ clusterDir }: Cluster): string => {
  const file = join(clusterDir, passwordFile);
  if (!existsSync(file)) {
    throw new EmbeddedPostgresError(
      'failed',
      `${file} is missing. It contains the password of this database. Restore it from a backup, or set DATA_DIR to an empty folder to start with an empty database.`,
    );
  }
  return readFileSync(file, 'utf8').trim();
};

const writeDurably = async (file: string, text: string): Promise<void> => {
  const handle = await open(file, 'wx', 0o600);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
};

const syncFolder = async (directory: string): Promise<void> => {
  if (process.platform === 'win32') return;
  const handle = await open(directory, 'r');
  await handle.sync().finally(() => handle.close());
};

const run = (
  account: Account,
  program: string,
  args: string[],
): Promise<[number | null, string]> => {
  const { file, args: all, options } = commandAs(account, program, args);
  return new Promise((resolve, reject) => {
    const child = spawn(file, all, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.once('error', reject);
    child.once('close', (code) => {
      resolve([code, output]);
    });
  });
};

const initdbOptions = [
  '--encoding=UTF8',
  '--locale=C',
  '--locale-provider=builtin',
  '--builtin-locale=C.UTF-8',
  '--auth=scram-sha-256',
  '--data-checksums',
  `--username=${superuser}`,
];

/**
 * Creates the cluster under a temporary name and renames it when it is complete, password included: an
 * initdb that was killed or ran out of disk space is never used as a database.
 */
export const createCluster = async (
  cluster: Cluster,
  binaries: Binaries,
  account: Account,
): Promise<void> => {
  const { dataDir, clusterDir, durable } = cluster;
  for (const name of await readdir(dataDir)) {
    // Best effort: an initdb whose parent process was killed may still be writing there.
    if (name.startsWith(unfinishedPrefix))
      await rm(join(dataDir, name), { recursive: true, force: true }).catch(() => undefined);
  }
  const id = randomBytes(6).toString('hex');
  const unfinished = join(dataDir, `${unfinishedPrefix}${id}`);
  const newPasswordFile = join(dataDir, `${unfinishedPrefix}${id}.password`);
  try {
    await mkdir(unfinished, { mode: 0o700 });
    await chmod(unfinished, 0o700);
    await writeDurably(newPasswordFile, `${randomBytes(24).toString('base64url')}\n`);
    if (account.owner !== null) {
      await chown(unfinished, account.owner.uid, account.owner.gid);
      await chown(newPasswordFile, account.owner.uid, account.owner.gid);
    }
    const args = [...initdbOptions, `--pwfile=${newPasswordFile}`, `--pgdata=${unfinished}`];
    const [code, output] = await run(
      account,
      binaries.initdb,
      durable ? args : [...args, '--no-sync'],
    );
    if (code !== 0) throw fromOutput('initdb', output, dataDir);
    await rename(newPasswordFile, join(unfinished, passwordFile));
    await syncFolder(unfinished);
    await rename(unfinished, clusterDir);
    await syncFolder(dataDir);
  } catch (error) {
    await rm(unfinished, { recursive: true, force: true }).catch(() => undefined);
    await rm(newPasswordFile, { force: true }).catch(() => undefined);
    throw error;
  }
};
