import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { makeDatabase, type Database } from '@movie-ticketing/kit/database';
import { silentLogger } from '@movie-ticketing/kit/testing/api';
import { createTestDatabase } from '@movie-ticketing/kit/testing/database';

import { loadCatalog } from '../src/load-catalog.ts';
import { readSeedFiles } from '../src/seed-files.ts';
import { seed, type SeedOptions, type SeedResult } from '../src/seed.ts';
import { makeSeedRepository } from '../src/seed.repository.ts';
import { makeSeedFolder } from '../testing/seed-folder.ts';

const now = new Date('2026-03-20T12:34:56Z');

let database: Awaited<ReturnType<typeof createTestDatabase>>;
let db: Database;

beforeEach(async () => {
  database = await createTestDatabase();
  db = makeDatabase({
    url: database.url,
    poolSize: 2,
    logger: silentLogger,
    applicationName: 'test-seed',
  });
});

afterEach(async () => {
  await db.close();
  await database.drop();
});

const seedDemo = (changes: Partial<SeedOptions> = {}): Promise<SeedResult> =>
  seed({
    databaseUrl: database.url,
    mode: 'demo',
    currency: 'EUR',
    now,
    hashPassword: (password) => Promise.resolve(`hash of ${password}`),
    ...changes,
  });

const numberOf = async (sql: string): Promise<number> => {
  const [row] = await db.query<{ count: number }>(`SELECT count(*) FROM ${sql}`);
  return row?.count ?? Number.NaN;
};

const counts = async (): Promise<Record<string, number>> => {
  const found: Record<string, number> = {};
  for (const table of ['movies', 'theaters', 'screenings', 'users', 'seed_runs']) {
    found[table] = await numberOf(table);
  }
  return found;
};

const nothing = { movies: 0, theaters: 0, screenings: 0, users: 0, seed_runs: 0 };

/** Loads one movie, one theater and their screenings, without a transaction. */
const loadSmallCatalog = async (): Promise<void> => {
  const folder = makeSeedFolder();
  const files = await readSeedFiles('EUR', folder.path);
  folder.remove();
  await loadCatalog(db, { files, currency: 'EUR', now }, () => undefined);
};

describe('seed', () => {
  test('loads 50 movies, 8 theaters and two weeks of screenings', async () => {
    expect((await seedDemo()).seeded).toBe(true);

    expect(await counts()).toMatchObject({ movies: 50, theaters: 8, users: 2, seed_runs: 1 });
    const days = `(SELECT DISTINCT theater_id, starts_at::date FROM screenings) AS shown`;
    expect(await numberOf(days)).toBeGreaterThanOrEqual(8 * 14);
    expect(await numberOf(`screenings WHERE starts_at <= '${now.toISOString()}'`)).toBe(0);
    expect(await numberOf(`screenings WHERE available_seats <> total_seats`)).toBe(0);
    expect(await numberOf(`screenings WHERE currency <> 'EUR'`)).toBe(0);
  });

  test('screenings agree with their movie and theater', async () => {
    await seedDemo();
    const wrong = `screenings s JOIN movies m ON m.id = s.movie_id
      JOIN theaters t ON t.id = s.theater_id
      WHERE s.ends_at <> s.starts_at + m.duration_minutes * interval '1 minute'
         OR s.total_seats <> t.total_seats OR s.price_minor > m.price_minor
         OR (s.starts_at AT TIME ZONE t.time_zone)::date NOT BETWEEN m.start_date AND m.end_date
         OR (s.starts_at AT TIME ZONE t.time_zone)::time NOT BETWEEN '10:00' AND '22:30'`;
    expect(await numberOf(wrong)).toBe(0);
    const overlapping = `screenings a JOIN screenings b ON a.theater_id = b.theater_id AND a.id < b.id
      AND a.starts_at < b.ends_at + interval '20 minutes'
      AND b.starts_at < a.ends_at + interval '20 minutes'`;
    expect(await numberOf(overlapping)).toBe(0);
    expect(
      await numberOf('movies m WHERE NOT EXISTS (SELECT FROM screenings WHERE movie_id = m.id)'),
    ).toBe(0);
  });

  test('a second run adds nothing and still returns the sign-ins', async () => {
    const first = await seedDemo();
    const before = await counts();
    const second = await seedDemo();
    expect(second).toEqual({ seeded: false, signIns: first.signIns });
    expect(await counts()).toEqual(before);
    expect(second.signIns.map(({ role }) => role)).toEqual(['customer', 'staff']);
  });

  test('mode none loads nothing', async () => {
    expect(await seedDemo({ mode: 'none' })).toEqual({ seeded: false, signIns: [] });
    expect(await counts()).toEqual(nothing);
  });

  test('a user who has a demo address already is left unchanged', async () => {
    await db.query(
      `INSERT INTO users (email, canonical_email, password_hash)
       VALUES ('Sam@Example.com', 'sam@example.com', 'own')`,
    );
    expect((await seedDemo()).seeded).toBe(true);
    const sam = `users WHERE lower(email) = 'sam@example.com'`;
    expect(await numberOf(`${sam} AND password_hash = 'own' AND role = 'customer'`)).toBe(1);
    expect(await numberOf(sam)).toBe(1);
  });

  test('a movie of the same title that exists already gets no demo screening', async () => {
    await loadSmallCatalog();
    const own = `screenings WHERE movie_id = (SELECT min(id) FROM movies WHERE title = 'Ran')`;
    const before = await numberOf(own);
    await seedDemo();
    expect(await numberOf(own)).toBe(before);
  });
});

describe('two seeds at once', () => {
  test('one loads the data and the other does not', async () => {
    const results = await Promise.all([seedDemo(), seedDemo()]);
    expect(results.map(({ seeded }) => seeded).sort()).toEqual([false, true]);
    expect(await counts()).toMatchObject({ theaters: 8, seed_runs: 1 });
  });

  test('control: without the lock both find nothing loaded', async () => {
    await db
      .transaction(async (tx) => {
        await makeSeedRepository(tx).markSeeded('demo');
        expect(await makeSeedRepository(db).isSeeded('demo')).toBe(false);
        throw new Error('rolled back');
      })
      .catch(() => undefined);
  });
});

describe('a seed that fails', () => {
  const failing = (): Promise<string> => Promise.reject(new Error('hashing failed'));

  test('leaves nothing behind, and the next run loads the data', async () => {
    await expect(seedDemo({ hashPassword: failing })).rejects.toThrow('hashing failed');
    expect(await counts()).toEqual(nothing);
    expect((await seedDemo()).seeded).toBe(true);
  });

  test('leaves nothing behind where its last statement fails', async () => {
    await db.query(`ALTER TABLE seed_runs ADD CONSTRAINT never CHECK (mode <> 'demo')`);
    await expect(seedDemo()).rejects.toMatchObject({ code: '23514' });
    expect(await counts()).toEqual(nothing);
  });

  test('control: the same steps without a transaction leave movies behind', async () => {
    const repository = makeSeedRepository(db);
    await db.query(`ALTER TABLE seed_runs ADD CONSTRAINT never CHECK (mode <> 'demo')`);
    await loadSmallCatalog();
    await expect(repository.markSeeded('demo')).rejects.toMatchObject({ code: '23514' });
    expect(await counts()).toMatchObject({ movies: 1, theaters: 1, seed_runs: 0 });
  });
});
