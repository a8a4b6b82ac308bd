import { randomBytes } from 'node:crypto';
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { chmod, chown, mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { commandAs, type Account } from './account.ts';
import type { Binaries } from './binaries.ts';
import { EmbeddedPostgresError, fromOutput } from './errors.ts';

export const SUPERUSER = 'postgres';

const PASSWORD_FILE = 'superuser.password';
const HALF_MADE = 'postgres.initdb-';

export type Cluster = { dataDir: string; clusterDir: string; durable: boolean };

function versionOf(directory: string): string | null {
  const file = join(directory, 'PG_VERSION');
  return existsSync(file) ? readFileSync(file, 'utf8').trim() : null;
}

/** True: a cluster of ours is there. False: none yet. Anything else in the way is an error. */
export function clusterExists({ dataDir, clusterDir }: Cluster, major: string): boolean {
  if (versionOf(dataDir) !== null) {
    throw new EmbeddedPostgresError(
      'version',
      `${dataDir} is itself a data folder of PostgreSQL ${versionOf(dataDir) ?? ''}, made by another program. Set DATA_DIR to a folder of its own.`,
    );
  }
  const version = versionOf(clusterDir);
  if (version === major) return true;
  if (version !== null) {
    throw new EmbeddedPostgresError(
      'version',
      `${clusterDir} was made by PostgreSQL ${version}, and this program carries PostgreSQL ${major}. Start the release that made it and move its data over with pg_dump, or set DATA_DIR to an empty folder to begin anew.`,
    );
  }
  if (existsSync(clusterDir) && readdirSync(clusterDir).length > 0) {
    throw new EmbeddedPostgresError(
      'failed',
      `${clusterDir} holds files but no PostgreSQL database (PG_VERSION is missing). Restore it from a backup, or move it away and start again to begin anew.`,
    );
  }
  return false;
}

export function readSuperuserPassword({ clusterDir }: Cluster): string {
  const file = join(clusterDir, PASSWORD_FILE);
  if (!existsSync(file)) {
    throw new EmbeddedPostgresError(
      'failed',
      `${file} is missing: it holds the password of this database. Restore it from a backup, or set DATA_DIR to an empty folder to begin anew.`,
    );
  }
  return readFileSync(file, 'utf8').trim();
}

async function writeDurably(file: string, text: string): Promise<void> {
  const handle = await open(file, 'wx', 0o600);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function syncFolder(directory: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(directory, 'r');
  await handle.sync().finally(() => handle.close());
}

function run(account: Account, program: string, args: string[]): Promise<[number | null, string]> {
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
}

const INITDB = [
  '--encoding=UTF8',
  '--locale=C',
  '--locale-provider=builtin',
  '--builtin-locale=C.UTF-8',
  '--auth=scram-sha-256',
  '--data-checksums',
  `--username=${SUPERUSER}`,
];

/**
 * Makes the cluster under a name that nothing reads and renames it when whole, password included:
 * an initdb that was killed or ran out of disk is never mistaken for a database.
 */
export async function createCluster(
  cluster: Cluster,
  binaries: Binaries,
  account: Account,
): Promise<void> {
  const { dataDir, clusterDir, durable } = cluster;
  for (const name of await readdir(dataDir)) {
    // Best effort: an initdb that outlived its parent may still be writing there.
    if (name.startsWith(HALF_MADE))
      await rm(join(dataDir, name), { recursive: true, force: true }).catch(() => undefined);
  }
  const id = randomBytes(6).toString('hex');
  const half = join(dataDir, `${HALF_MADE}${id}`);
  const handOver = join(dataDir, `${HALF_MADE}${id}.password`);
  try {
    await mkdir(half, { mode: 0o700 });
    await chmod(half, 0o700);
    await writeDurably(handOver, `${randomBytes(24).toString('base64url')}\n`);
    if (account.owner !== null) {
      await chown(half, account.owner.uid, account.owner.gid);
      await chown(handOver, account.owner.uid, account.owner.gid);
    }
    const args = [...INITDB, `--pwfile=${handOver}`, `--pgdata=${half}`];
    const [code, output] = await run(
      account,
      binaries.initdb,
      durable ? args : [...args, '--no-sync'],
    );
    if (code !== 0) throw fromOutput('initdb', output, dataDir);
    await rename(handOver, join(half, PASSWORD_FILE));
    await syncFolder(half);
    await rename(half, clusterDir);
    await syncFolder(dataDir);
  } catch (error) {
    await rm(half, { recursive: true, force: true }).catch(() => undefined);
    await rm(handOver, { force: true }).catch(() => undefined);
    throw error;
  }
}
