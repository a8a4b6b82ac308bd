import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { diskFull, EmbeddedPostgresError } from './errors.ts';

export type DataFolderLock = { release(): void };

const sqliteBusy = 5;
const sqliteFull = 13;

// An unreferenced DatabaseSync is closed by the garbage collector, and the lock with it.
const held = new Set<DatabaseSync>();

const readOwner = (ownerFile: string): string => {
  try {
    return ` (process ${readFileSync(ownerFile, 'utf8').trim()})`;
  } catch {
    return '';
  }
};

const noteOwner = (ownerFile: string): void => {
  try {
    writeFileSync(ownerFile, `${String(process.pid)}\n`);
  } catch {
    // The lock works without it; only the error message of another start says less.
  }
};

const takeKernelLock = (dataDir: string, ownerFile: string): DatabaseSync => {
  const file = join(dataDir, 'postgres.lock');
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(file, { timeout: 0 });
    database.exec('BEGIN EXCLUSIVE');
    return database;
  } catch (error) {
    database?.close();
    const { errcode } = error as { errcode?: number };
    if (errcode === sqliteFull) throw diskFull(dataDir, error);
    if (errcode === sqliteBusy) {
      throw new EmbeddedPostgresError(
        'locked',
        `The data folder ${dataDir} is in use by another process of this program${readOwner(ownerFile)}. Stop that process first, or set DATA_DIR and PORT to run a second one.`,
        error,
      );
    }
    throw new EmbeddedPostgresError(
      'unreachable',
      `${file} cannot be locked (${(error as Error).message}). Make it writable for this user, or set DATA_DIR to another folder.`,
      error,
    );
  }
};

/**
 * Allows one live process per data folder. Node has no flock; a pid file can name a reused pid or a
 * process of another container, and two processes can both remove a stale one. SQLite takes a lock of
 * the kernel: it ends with the process, also after kill -9, so it is never stale.
 */
export const lockDataFolder = (dataDir: string): DataFolderLock => {
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
};
