import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { diskFull, EmbeddedPostgresError } from './errors.ts';

export type DataFolderLock = { release(): void };

const SQLITE_BUSY = 5;
const SQLITE_FULL = 13;

// An unreferenced DatabaseSync is closed by the garbage collector, and the lock with it.
const held = new Set<DatabaseSync>();

function readOwner(ownerFile: string): string {
  try {
    return ` (process ${readFileSync(ownerFile, 'utf8').trim()})`;
  } catch {
    return '';
  }
}

function noteOwner(ownerFile: string): void {
  try {
    writeFileSync(ownerFile, `${String(process.pid)}\n`);
  } catch {
    // The lock holds without it; only another start's error message says less.
  }
}

function takeKernelLock(dataDir: string, ownerFile: string): DatabaseSync {
  const file = join(dataDir, 'postgres.lock');
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(file, { timeout: 0 });
    database.exec('BEGIN EXCLUSIVE');
    return database;
  } catch (error) {
    database?.close();
    const { errcode } = error as { errcode?: number };
    if (errcode === SQLITE_FULL) throw diskFull(dataDir, error);
    if (errcode === SQLITE_BUSY) {
      throw new EmbeddedPostgresError(
        'locked',
        `The data folder ${dataDir} is in use by another start of this program${readOwner(ownerFile)}. Stop that one first, or set DATA_DIR (and PORT) to run a second one beside it.`,
        error,
      );
    }
    throw new EmbeddedPostgresError(
      'unreachable',
      `${file} cannot be locked (${(error as Error).message}). Give this user the right to write there, or set DATA_DIR to another folder.`,
      error,
    );
  }
}

/**
 * One live process a data folder. Node has no flock, a pid file can name a reused pid or another
 * container's process, and two starters can both "clear" a stale one. SQLite takes a lock of the
 * kernel instead: it ends with the process, kill -9 included, so that it is never stale.
 */
export function lockDataFolder(dataDir: string): DataFolderLock {
  const ownerFile = join(dataDir, 'postgres.owner');
  const database = takeKernelLock(dataDir, ownerFile);
  held.add(database);
  noteOwner(ownerFile);
  return {
    release: () => {
      if (!held.delete(database)) return;
      rmSync(ownerFile, { force: true });
      database.close();
    },
  };
}
