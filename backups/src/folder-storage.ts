import { constants } from 'node:fs';
import { copyFile, open, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { StorageError, type Storage } from './storage.ts';

const explain = (folder: string, error: unknown): Error => {
  const { code = '', message } = error as NodeJS.ErrnoException;
  if (code === 'ENOSPC') {
    return new StorageError(
      `The backup volume is full. Enlarge it, or lower spec.backup.retention.count. (${folder})`,
      { cause: error },
    );
  }
  if (code === 'EACCES' || code === 'EROFS' || code === 'ENOENT') {
    return new StorageError(
      `The backup volume cannot be used: ${code} at ${folder}. Check the PersistentVolumeClaim and its rights.`,
      { cause: error },
    );
  }
  return new StorageError(`The backup volume failed: ${message}`, { cause: error });
};

const sync = async (path: string): Promise<void> => {
  const handle = await open(path, constants.O_RDONLY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
};

/** A file gets its name only when it is complete and on disk. */
const publish = async (
  folder: string,
  name: string,
  fill: (path: string) => Promise<void>,
): Promise<void> => {
  const unfinished = join(folder, `.unfinished-${name}`);
  try {
    await fill(unfinished);
    await sync(unfinished);
    await rename(unfinished, join(folder, name));
    await sync(folder);
  } catch (error) {
    await rm(unfinished, { force: true }).catch(() => undefined);
    throw error;
  }
};

const readIfPresent = async (path: string): Promise<string | undefined> => {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
};

export const makeFolderStorage = (folder: string): Storage => {
  const guarded = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      throw explain(folder, error);
    }
  };
  return {
    description: `the volume at ${folder}`,
    upload: (name, file) => guarded(() => publish(folder, name, (path) => copyFile(file, path))),
    download: (name, file) => guarded(() => copyFile(join(folder, name), file)),
    write: (name, text) => guarded(() => publish(folder, name, (path) => writeFile(path, text))),
    read: (name) => guarded(() => readIfPresent(join(folder, name))),
    list: () =>
      guarded(async () => {
        const names = (await readdir(folder)).filter((name) => !name.startsWith('.'));
        return Promise.all(
          names.map(async (name) => ({ name, bytes: (await stat(join(folder, name))).size })),
        );
      }),
    remove: (name) => guarded(() => rm(join(folder, name), { force: true })),
  };
};
