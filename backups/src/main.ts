import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { ConfigError, environmentFields, parseEnvironment } from '@movie-ticketing/kit/config';
import { MigrationError } from '@movie-ticketing/migrations/migrate';
import { z } from 'zod';

import {
  dumpName,
  listBackups,
  manifestName,
  verifiedName,
  type BackupManifest,
} from './backup-manifest.ts';
import { BadBackup, checkRestored } from './check-restored.ts';
import { fetchBackup } from './fetch-backup.ts';
import { makeFolderStorage } from './folder-storage.ts';
import { obsoleteBackups } from './retention.ts';
import { makeS3Storage } from './s3-storage.ts';
import { StorageError, type Storage } from './storage.ts';
import { BadDump, storeBackup } from './store-backup.ts';

/**
 * The steps of the operator's backup Jobs that need no PostgreSQL programs:
 *   store   publishes the dump in SCRATCH
 *   fetch   downloads the backup BACKUP_ID, the newest unless set, to SCRATCH
 *   check   checks the database at RESTORED_URL against SCRATCH, then removes backups beyond BACKUP_KEEP
 */
const environment = z.object({
  SCRATCH: z.string().min(1).default('/scratch'),
  BACKUP_FOLDER: z.string().min(1).optional(),
  BACKUP_ID: z
    .string()
    .regex(/^\d{8}T\d{6}Z$/, 'must be the id of a backup, like 20270301T120000Z')
    .optional(),
  BACKUP_KEEP: environmentFields.integer(1, 1_000, 7),
  RESTORED_URL: z.string().default('postgres://postgres@127.0.0.1:5432/restored'),
  S3_BUCKET: z.string().min(1).optional(),
  S3_PREFIX: z
    .string()
    .regex(/^([^/]+\/)*$/, 'must be empty or end with /, without / at its start')
    .default(''),
  S3_REGION: z.string().min(1).default('us-east-1'),
  S3_ENDPOINT: environmentFields.httpUrl('https://s3.example.com').optional(),
  S3_FORCE_PATH_STYLE: environmentFields.oneOf(['true', 'false'], 'false'),
  S3_ACCESS_KEY_ID: z.string().default(''),
  S3_SECRET_ACCESS_KEY: z.string().default(''),
  TERMINATION_MESSAGE_FILE: z.string().optional(),
});

type Environment = z.output<typeof environment>;

const storageOf = (env: Environment): Storage => {
  if (env.BACKUP_FOLDER !== undefined) return makeFolderStorage(env.BACKUP_FOLDER);
  if (env.S3_BUCKET === undefined) throw new ConfigError('set BACKUP_FOLDER or S3_BUCKET');
  return makeS3Storage({
    bucket: env.S3_BUCKET,
    prefix: env.S3_PREFIX,
    region: env.S3_REGION,
    ...(env.S3_ENDPOINT === undefined ? {} : { endpoint: env.S3_ENDPOINT }),
    forcePathStyle: env.S3_FORCE_PATH_STYLE === 'true',
    accessKeyId: env.S3_ACCESS_KEY_ID,
    secretAccessKey: env.S3_SECRET_ACCESS_KEY,
  });
};

const rowsIn = ({ rows }: BackupManifest): number =>
  Object.values(rows).reduce((sum, count) => sum + count, 0);

/** What the operator puts into the status of the resource. */
const outcomeOf = (manifest: BackupManifest) => ({
  id: manifest.id,
  takenAt: `${manifest.takenAt.slice(0, 19)}Z`,
  bytes: manifest.bytes,
  rows: rowsIn(manifest),
});

const store = async (env: Environment): Promise<object> => ({
  stored: outcomeOf(await storeBackup(storageOf(env), env.SCRATCH)),
});

const fetch = async (env: Environment): Promise<object> => ({
  fetched: outcomeOf(await fetchBackup(storageOf(env), env.SCRATCH, env.BACKUP_ID)),
});

const check = async (env: Environment): Promise<object> => {
  const storage = storageOf(env);
  const text = await readFile(join(env.SCRATCH, 'manifest.json'), 'utf8');
  const manifest = JSON.parse(text) as BackupManifest;
  await checkRestored(env.RESTORED_URL, manifest);
  await storage.write(
    verifiedName(manifest.id),
    `${JSON.stringify({ verifiedAt: new Date().toISOString() })}\n`,
  );
  const obsolete = obsoleteBackups(await listBackups(storage), env.BACKUP_KEEP);
  for (const id of obsolete) {
    // The manifest first: without it the rest is no backup.
    for (const name of [manifestName(id), dumpName(id), verifiedName(id)])
      await storage.remove(name);
  }
  return { verified: outcomeOf(manifest), removed: obsolete.length };
};

const commands = { store, fetch, check };

const expected = [ConfigError, StorageError, BadDump, BadBackup, MigrationError];

for (const [signal, code] of [
  ['SIGTERM', 143],
  ['SIGINT', 130],
] as const)
  process.once(signal, () => process.exit(code));

/** Kubernetes shows the termination message in the pod's status. */
const report = async (message: string): Promise<void> => {
  const file = process.env['TERMINATION_MESSAGE_FILE'] ?? '';
  if (file !== '') await writeFile(file, message);
};

try {
  const name = process.argv[2] ?? '';
  if (!(name in commands)) throw new ConfigError('Usage: main.ts store | fetch | check');
  const env = parseEnvironment(environment, process.env);
  const outcome = JSON.stringify(await commands[name as keyof typeof commands](env));
  console.log(outcome);
  await report(outcome);
} catch (error) {
  const isExpected = expected.some((type) => error instanceof type);
  console.error(isExpected ? (error as Error).message : error);
  await report(isExpected ? (error as Error).message : 'The program failed: see its log.');
  process.exitCode = error instanceof ConfigError ? 2 : 1;
}
