import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createTestDatabase } from '@movie-ticketing/kit/testing/database';
import pg from 'pg';

import { SeedFileError } from '../src/demo-files.ts';
import { seed, type SeedResult } from '../src/seed.ts';

let database: Awaited<ReturnType<typeof createTestDatabase>>;
let folder: string;

beforeEach(async () => {
  database = await createTestDatabase();
  folder = mkdtempSync(join(tmpdir(), 'seed-'));
  const movies = [{ title: 'Ran', description: '', duration_minutes: 162, price_minor: 1200 }];
  const theaters = [{ name: 'Rex', location: 'Lyon', time_zone: 'Europe/Paris', total_seats: 50 }];
  writeFileSync(join(folder, 'movies.json'), JSON.stringify(movies));
  writeFileSync(join(folder, 'theaters.json'), JSON.stringify(theaters));
});

afterEach(async () => {
  rmSync(folder, { recursive: true });
  await database.drop();
});

const seedFolder = (): Promise<SeedResult> =>
  seed({
    databaseUrl: database.url,
    mode: 'folder',
    folder,
    currency: 'EUR',
    hashPassword: (password) => Promise.resolve(`hash of ${password}`),
  });

const rows = async (sql: string): Promise<unknown[]> => {
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  const found = await client.query<Record<string, unknown>>(sql);
  await client.end();
  return found.rows;
};

describe('seeding from a folder', () => {
  test('when it is given, then its films and halls are there once, and no account', async () => {
    expect(await seedFolder()).toEqual({ seeded: true, signIns: [] });
    expect(await seedFolder()).toEqual({ seeded: false, signIns: [] });
    expect(await rows('select title from movies')).toEqual([{ title: 'Ran' }]);
    expect(await rows('select name from theaters')).toEqual([{ name: 'Rex' }]);
    expect(await rows('select from users')).toEqual([]);
  });

  test.each([
    ['not JSON', '{'],
    ['of another form', '[{"title": "Ran"}]'],
  ])('when a file is %s, then it is named and nothing is kept', async (_, text) => {
    writeFileSync(join(folder, 'movies.json'), text);
    await expect(seedFolder()).rejects.toThrow(SeedFileError);
    await expect(seedFolder()).rejects.toThrow('movies.json');
    expect(await rows('select from seed_runs')).toEqual([]);
  });
});
