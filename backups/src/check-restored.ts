import { auditSnapshot } from '@movie-ticketing/bookings/audit';
import { makeDatabase, type Queryable } from '@movie-ticketing/kit/database';
import { makeLogger } from '@movie-ticketing/kit/logging';
import { migrate } from '@movie-ticketing/migrations/migrate';
import { escapeIdentifier } from 'pg';

import type { BackupManifest } from './backup-manifest.ts';

/** A restored database is not what its manifest says, or breaks a guarantee. */
export class BadBackup extends Error {
  override readonly name = 'BadBackup';
}

const differences = async (db: Queryable, { rows }: BackupManifest): Promise<string[]> => {
  const found: string[] = [];
  for (const [table, expected] of Object.entries(rows)) {
    const [row] = await db.query<{ count: number }>(
      `SELECT count(*)::int AS count FROM public.${escapeIdentifier(table)}`,
    );
    if (row?.count !== expected)
      found.push(`${table} has ${String(row?.count)} rows, not ${String(expected)}`);
  }
  return found;
};

/**
 * Checks a restored database: the rows of every table, that this version can migrate it, and the audit as of
 * the moment of the dump.
 * @throws BadBackup
 */
export const checkRestored = async (
  databaseUrl: string,
  manifest: BackupManifest,
): Promise<void> => {
  const db = makeDatabase({
    url: databaseUrl,
    poolSize: 1,
    logger: makeLogger({ service: 'backup', level: 'silent' }),
    applicationName: 'movie-ticketing-backup',
    settings: { statement_timeout: 1_800_000, enable_seqscan: 'on', jit: 'on' },
  });
  try {
    const wrong = await differences(db, manifest);
    if (wrong.length > 0) {
      throw new BadBackup(
        `The backup ${manifest.id} was restored, but ${wrong.slice(0, 3).join('; ')}.`,
      );
    }
    await migrate({ databaseUrl });
    const broken = (await auditSnapshot(db, manifest.takenAt)).filter(
      ({ violations }) => violations > 0,
    );
    if (broken.length > 0) {
      const names = broken.map(({ name, violations }) => `${name} (${String(violations)} rows)`);
      throw new BadBackup(
        `The backup ${manifest.id} was restored, but the audit finds: ${names.join('; ')}.`,
      );
    }
  } finally {
    await db.close();
  }
};
