import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { dumpName, newestBackup, readManifest, type BackupManifest } from './backup-manifest.ts';
import { hashFile } from './hash-file.ts';
import { StorageError, type Storage } from './storage.ts';

/**
 * Downloads a backup, the newest unless named, into the scratch folder: `dump` and `manifest.json`.
 * @throws StorageError
 */
export const fetchBackup = async (
  storage: Storage,
  scratch: string,
  wanted: string | undefined,
): Promise<BackupManifest> => {
  const manifest = await readManifest(storage, wanted ?? (await newestBackup(storage)));
  const file = join(scratch, 'dump');
  await storage.download(dumpName(manifest.id), file);
  if ((await hashFile(file)) !== manifest.sha256) {
    throw new StorageError(
      `The backup ${manifest.id} in ${storage.description} is damaged: its SHA-256 differs from its manifest. Use another backup.`,
    );
  }
  await writeFile(join(scratch, 'manifest.json'), JSON.stringify(manifest));
  return manifest;
};
