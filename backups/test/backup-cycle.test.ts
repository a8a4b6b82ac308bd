import { mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { insertScreening } from '@movie-ticketing/catalog/testing/builders';
import { makeDatabase } from '@movie-ticketing/kit/database';
import { silentLogger } from '@movie-ticketing/kit/testing/api';
import { createTestDatabase, type TestDatabase } from '@movie-ticketing/kit/testing/database';

import { listBackups, type BackupManifest } from '../src/backup-manifest.ts';
import { checkRestored } from '../src/check-restored.ts';
import { fetchBackup } from '../src/fetch-backup.ts';
import { makeFolderStorage } from '../src/folder-storage.ts';
import type { Storage } from '../src/storage.ts';
import { storeBackup } from '../src/store-backup.ts';

let root: string;
let storage: Storage;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'backup-'));
  mkdirSync(join(root, 'storage'));
  mkdirSync(join(root, 'scratch'));
  storage = makeFolderStorage(join(root, 'storage'));
});
afterEach(() => {
  rmSync(root, { recursive: true });
});

const scratch = (): string => join(root, 'scratch');

/** What the dump script leaves. */
const leaveDump = (
  options: { rows?: Record<string, number>; tables?: string[]; takenAt?: string } = {},
): void => {
  const rows = options.rows ?? { pgmigrations: 6, bookings: 3 };
  const tables = options.tables ?? Object.keys(rows);
  writeFileSync(join(scratch(), 'dump'), Buffer.alloc(100_000, 'dump'));
  writeFileSync(
    join(scratch(), 'contents'),
    tables.map((table) => `3456; 0 16385 TABLE DATA public ${table} postgres`).join('\n'),
  );
  writeFileSync(
    join(scratch(), 'facts.json'),
    JSON.stringify({
      taken_at: options.takenAt ?? '2026-11-26T03:30:00.123456+00:00',
      postgres: '17.6 (Debian)',
      rows,
    }),
  );
};

describe('a backup', () => {
  test('is published with its manifest, and fetched again', async () => {
    leaveDump();
    const stored = await storeBackup(storage, scratch());
    expect(stored).toMatchObject({ id: '20261126T033000Z', bytes: 100_000 });
    expect(await listBackups(storage)).toEqual([{ id: stored.id, isVerified: false }]);
    expect(await fetchBackup(storage, scratch(), undefined)).toEqual(stored);
    expect(readFileSync(join(scratch(), 'dump')).length).toBe(100_000);
  });

  test.each<[string, Parameters<typeof leaveDump>[0], RegExp]>([
    ['of another database', { rows: { theirs: 3 } }, /no tables of movie-ticketing/],
    ['of an empty database', { rows: { pgmigrations: 0, bookings: 0 } }, /no tables of/],
    ['that lacks a table', { tables: ['pgmigrations'] }, /lacks the data of bookings/],
  ])('%s is not published', async (_, options, reason) => {
    leaveDump(options);
    await expect(storeBackup(storage, scratch())).rejects.toThrow(reason);
    expect(await storage.list()).toEqual([]);
  });

  test('that came back differently is not published', async () => {
    leaveDump();
    const lossy: Storage = {
      ...storage,
      upload: async (name, file) => {
        await storage.upload(name, file);
        truncateSync(join(root, 'storage', name), 50_000);
      },
    };
    await expect(storeBackup(lossy, scratch())).rejects.toThrow(/differs from what was uploaded/);
    expect(await storage.list()).toEqual([]);
  });

  test('whose process was killed before its manifest is no backup', async () => {
    leaveDump();
    const killed: Storage = { ...storage, write: () => Promise.reject(new Error('killed')) };
    await expect(storeBackup(killed, scratch())).rejects.toThrow('killed');
    await expect(fetchBackup(storage, scratch(), undefined)).rejects.toThrow('There is no backup');
    // The next one is complete.
    await storeBackup(storage, scratch());
    expect(await listBackups(storage)).toHaveLength(1);
  });

  test.each<[string, (folder: string, id: string) => void, RegExp]>([
    [
      'truncated',
      (folder, id) => truncateSync(join(folder, `${id}.dump`), 5),
      /is damaged: its SHA/,
    ],
    ['empty', (folder, id) => truncateSync(join(folder, `${id}.dump`), 0), /is damaged: its SHA/],
    ['removed', (folder, id) => rmSync(join(folder, `${id}.dump`)), /volume cannot be used/],
    [
      'without a readable manifest',
      (folder, id) => writeFileSync(join(folder, `${id}.json`), '{'),
      /The manifest of the backup .* is damaged/,
    ],
  ])('that was %s afterwards is refused', async (_, damage, reason) => {
    leaveDump();
    const { id } = await storeBackup(storage, scratch());
    damage(join(root, 'storage'), id);
    await expect(fetchBackup(storage, scratch(), undefined)).rejects.toThrow(reason);
  });

  test('that is not there is named', async () => {
    await expect(fetchBackup(storage, scratch(), '20200101T000000Z')).rejects.toThrow(
      /There is no backup 20200101T000000Z/,
    );
  });
});

describe('a restored database', () => {
  let database: TestDatabase;
  beforeEach(async () => {
    database = await createTestDatabase();
  });
  afterEach(() => database.drop());

  const manifestWith = (rows: Record<string, number>): BackupManifest => ({
    format: 1,
    id: '20261126T033000Z',
    takenAt: '2026-11-26T03:30:00.000Z',
    postgres: '17.6',
    bytes: 1,
    sha256: '0'.repeat(64),
    rows,
  });

  /** A hold that expired minutes after the dump: live then, overdue now. */
  const insertHold = async (availableSeats: number): Promise<void> => {
    const db = makeDatabase({
      url: database.url,
      poolSize: 1,
      logger: silentLogger,
      applicationName: 'test-backup',
    });
    const { id } = await insertScreening(db, {
      total_seats: 10,
      available_seats: availableSeats,
    });
    await db.query(
      `WITH customer AS (
         INSERT INTO users (email, canonical_email, role, password_hash)
         VALUES ('a@b.c', 'a@b.c', 'customer', 'x') RETURNING id)
       INSERT INTO bookings (reference, user_id, screening_id, num_tickets, status, total_minor,
         currency, created_at, expires_at)
       SELECT 'ABCDEFGH', id, $1, 1, 'pending', 1000, 'USD', '2026-11-26T03:20Z', '2026-11-26T03:35Z'
       FROM customer`,
      [id],
    );
    await db.close();
  };

  test('with the rows of its manifest holds, as of the moment of the dump', async () => {
    await insertHold(9);
    await checkRestored(database.url, manifestWith({ pgmigrations: 6, bookings: 1 }));
  });

  test('with the same hold as of now breaks a guarantee (control)', async () => {
    await insertHold(9);
    const later = { ...manifestWith({ bookings: 1 }), takenAt: new Date().toISOString() };
    await expect(checkRestored(database.url, later)).rejects.toThrow(
      /the audit finds: no hold outlives its expiry/,
    );
  });

  test('with other numbers of rows is refused', async () => {
    await expect(
      checkRestored(database.url, manifestWith({ pgmigrations: 6, bookings: 3 })),
    ).rejects.toThrow(/was restored, but bookings has 0 rows, not 3/);
  });

  test('with a lost seat is refused', async () => {
    await insertHold(10);
    await expect(
      checkRestored(database.url, manifestWith({ pgmigrations: 6, bookings: 1 })),
    ).rejects.toThrow(/the audit finds/);
  });
});
