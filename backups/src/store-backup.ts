import { readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';

import { z } from 'zod';

import { dumpName, idOf, manifestName, type BackupManifest } from './backup-manifest.ts';
import { hashFile } from './hash-file.ts';
import { StorageError, type Storage } from './storage.ts';

/** What the dump script leaves in the scratch folder (dump.sh). */
const factsSchema = z.object({
  taken_at: z.iso.datetime({ offset: true }),
  postgres: z.string(),
  rows: z.record(z.string(), z.int().nonnegative()),
});

/** The dump is not one of this system, or not complete. */
export class BadDump extends Error {
  override readonly name = 'BadDump';
}

/** @throws BadDump */
const checkDump = async (scratch: string) => {
  const facts = factsSchema.parse(JSON.parse(await readFile(join(scratch, 'facts.json'), 'utf8')));
  const contents = await readFile(join(scratch, 'contents'), 'utf8');
  const tables = new Set(
    [...contents.matchAll(/^\d+; \d+ \d+ TABLE DATA public (\S+) /gm)].map(([, name]) => name),
  );
  const missing = Object.keys(facts.rows).filter((table) => !tables.has(table));
  if ((facts.rows['pgmigrations'] ?? 0) === 0 || !('bookings' in facts.rows)) {
    throw new BadDump('The dump has no tables of movie-ticketing. Check spec.database.');
  }
  if (missing.length > 0) {
    throw new BadDump(`The dump lacks the data of ${missing.join(', ')}. It is not kept.`);
  }
  return facts;
};

/**
 * Publishes the dump of the scratch folder: uploads it, reads it back, compares, and writes the manifest last.
 * @throws StorageError, BadDump; nothing is published then
 */
export const storeBackup = async (storage: Storage, scratch: string): Promise<BackupManifest> => {
  const facts = await checkDump(scratch);
  const file = join(scratch, 'dump');
  const takenAt = new Date(facts.taken_at);
  const id = idOf(takenAt);
  const manifest: BackupManifest = {
    format: 1,
    id,
    takenAt: takenAt.toISOString(),
    postgres: facts.postgres,
    bytes: (await stat(file)).size,
    sha256: await hashFile(file),
    rows: facts.rows,
  };
  await storage.upload(dumpName(id), file);
  const copy = join(scratch, 'copy');
  await storage.download(dumpName(id), copy);
  const isSame = (await hashFile(copy)) === manifest.sha256;
  await rm(copy);
  if (!isSame) {
    await storage.remove(dumpName(id));
    throw new StorageError(
      `What ${storage.description} returned differs from what was uploaded. The backup was not published.`,
    );
  }
  await storage.write(manifestName(id), `${JSON.stringify(manifest, null, 2)}\n`);
  return manifest;
};
