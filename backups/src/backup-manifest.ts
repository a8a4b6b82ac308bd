import { z } from 'zod';

import { StorageError, type Storage } from './storage.ts';

/** What is known of one backup. It is written last: a dump without it is no backup. */
const manifestSchema = z.strictObject({
  format: z.literal(1),
  id: z.string().regex(/^\d{8}T\d{6}Z$/),
  /** The moment of the dump's snapshot: what was committed later is not in it. */
  takenAt: z.iso.datetime(),
  /** `17.6` */
  postgres: z.string().min(1),
  bytes: z.int().positive(),
  sha256: z.string().regex(/^[\da-f]{64}$/),
  /** By table, counted in the dump's own snapshot. */
  rows: z.record(z.string(), z.int().nonnegative()),
});

export type BackupManifest = z.output<typeof manifestSchema>;

export const idOf = (takenAt: Date): string =>
  `${takenAt.toISOString().slice(0, 19).replaceAll(/[-:]/g, '')}Z`;

export const dumpName = (id: string): string => `${id}.dump`;
export const manifestName = (id: string): string => `${id}.json`;
/** Written once a restore of the backup was verified. */
export const verifiedName = (id: string): string => `${id}.verified.json`;

/** Oldest first: an id is a time. */
export const listBackups = async (
  storage: Storage,
): Promise<{ id: string; isVerified: boolean }[]> => {
  const names = new Set((await storage.list()).map(({ name }) => name));
  return [...names]
    .flatMap((name) => /^(\d{8}T\d{6}Z)\.json$/.exec(name)?.[1] ?? [])
    .sort()
    .map((id) => ({ id, isVerified: names.has(verifiedName(id)) }));
};

/** @throws StorageError if there is no such backup, or its manifest is damaged */
export const readManifest = async (storage: Storage, id: string): Promise<BackupManifest> => {
  const text = await storage.read(manifestName(id));
  if (text === undefined) {
    throw new StorageError(`There is no backup ${id} in ${storage.description}.`);
  }
  try {
    return manifestSchema.parse(JSON.parse(text));
  } catch (error) {
    throw new StorageError(
      `The manifest of the backup ${id} in ${storage.description} is damaged. Use another backup.`,
      { cause: error },
    );
  }
};

/** @throws StorageError if there is no backup */
export const newestBackup = async (storage: Storage): Promise<string> => {
  const newest = (await listBackups(storage)).at(-1);
  if (newest === undefined) throw new StorageError(`There is no backup in ${storage.description}.`);
  return newest.id;
};
