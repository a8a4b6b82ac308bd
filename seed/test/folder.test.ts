import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { makeDatabase, type Database } from '@movie-ticketing/kit/database';
import { silentLogger } from '@movie-ticketing/kit/testing/api';
import { createTestDatabase } from '@movie-ticketing/kit/testing/database';

import { seed, type SeedOptions, type SeedResult } from '../src/seed.ts';
import { makeSeedFolder, movie, theater, type SeedFolder } from '../testing/seed-folder.ts';

let database: Awaited<ReturnType<typeof createTestDatabase>>;
let db: Database;
let folder: SeedFolder;
let lines: string[];

beforeEach(async () => {
  database = await createTestDatabase();
  db = makeDatabase({
    url: database.url,
    poolSize: 1,
    logger: silentLogger,
    applicationName: 'test-seed',
  });
  folder = makeSeedFolder();
  lines = [];
});

afterEach(async () => {
  folder.remove();
  await db.close();
  await database.drop();
});

const seedFolder = (options: Partial<SeedOptions> = {}): Promise<SeedResult> =>
  seed({
    databaseUrl: database.url,
    mode: 'folder',
    folder: folder.path,
    currency: 'EUR',
    hashPassword: (password) => Promise.resolve(`hash of ${password}`),
    log: (line) => lines.push(line),
    ...options,
  });

const rows = (sql: string): Promise<unknown[]> => db.query(sql);

describe('seeding from a folder', () => {
  test('loads its movies and theaters once, and no users', async () => {
    expect(await seedFolder()).toEqual({ seeded: true, signIns: [] });
    expect(await seedFolder()).toEqual({ seeded: false, signIns: [] });
    expect(await rows('SELECT title, title_folded FROM movies')).toEqual([
      { title: 'Ran', title_folded: 'RAN' },
    ]);
    expect(await rows('SELECT name FROM theaters')).toEqual([{ name: 'Rex' }]);
    expect(await rows('SELECT FROM users')).toEqual([]);
    expect(lines.at(-2)).toMatch(
      /^Seed data loaded: 1 movies, 1 theaters, [1-9]\d* screenings, 0 users\.$/,
    );
    expect(lines.at(-1)).toBe('Seed data already loaded.');
  });

  test('loads movies of one title and theaters of one name, each with its own screenings', async () => {
    folder.write('movies.json', [movie, { ...movie, duration_minutes: 90 }]);
    folder.write('theaters.json', [theater, { ...theater, total_seats: 7 }]);
    await seedFolder();
    expect(await rows('SELECT duration_minutes FROM movies ORDER BY id')).toEqual([
      { duration_minutes: 162 },
      { duration_minutes: 90 },
    ]);
    const wrong = await rows(
      `SELECT FROM screenings s JOIN movies m ON m.id = s.movie_id
         JOIN theaters t ON t.id = s.theater_id
        WHERE s.ends_at <> s.starts_at + m.duration_minutes * interval '1 minute'
           OR s.total_seats <> t.total_seats`,
    );
    expect(wrong).toEqual([]);
    const shown = await rows('SELECT DISTINCT movie_id, theater_id FROM screenings');
    expect(shown).toHaveLength(4);
  });

  test('loads every movie where there are more than screenings, and reports them', async () => {
    const movies = Array.from({ length: 300 }, (_, index) => ({
      ...movie,
      title: `Movie ${String(index)}`,
    }));
    folder.write('movies.json', movies);
    await seedFolder();
    expect(await rows('SELECT FROM movies')).toHaveLength(300);
    const unshown = await rows(
      'SELECT FROM movies m WHERE NOT EXISTS (SELECT FROM screenings WHERE movie_id = m.id)',
    );
    expect(unshown.length).toBeGreaterThan(0);
    expect(lines.at(-1)).toContain(`300 movies (${String(unshown.length)} without a screening)`);
  });

  test('stores text and time zones as the API does', async () => {
    folder.write('movies.json', [{ ...movie, title: ' Ame\u0301lie ' }]);
    folder.write('theaters.json', [{ ...theater, time_zone: 'europe/paris' }]);
    await seedFolder();
    expect(await rows('SELECT title FROM movies')).toEqual([{ title: 'Am\u00e9lie' }]);
    expect(await rows('SELECT time_zone FROM theaters')).toEqual([{ time_zone: 'Europe/Paris' }]);
  });

  test('logs progress', async () => {
    await seedFolder({ progressMs: 0 });
    expect(lines).toContain('Loading seed data: 1 of 1 movies.');
    expect(lines.some((line) => / of \d+ screenings\.$/.test(line))).toBe(true);
  });
});

const movies = (change: object) => [movie, movie, movie, { ...movie, ...change }];
const theaters = (change: object) => [theater, { ...theater, ...change }];

describe('rejects a file, names the place, and loads nothing', () => {
  test.each<[string, 'movies.json' | 'theaters.json', unknown, string]>([
    ['no movies', 'movies.json', [], 'movies.json: must have at least one entry'],
    ['no theaters', 'theaters.json', [], 'theaters.json: must have at least one entry'],
    [
      'a long title',
      'movies.json',
      movies({ title: 'x'.repeat(301) }),
      'movies.json[3].title: must have at most 300 characters',
    ],
    [
      'a blank title',
      'movies.json',
      movies({ title: ' ' }),
      'movies.json[3].title: must have at least 1 character',
    ],
    [
      'a NUL character',
      'movies.json',
      movies({ title: 'a\u0000b' }),
      'movies.json[3].title: must be well-formed Unicode without NUL characters',
    ],
    [
      '1,500 minutes',
      'movies.json',
      movies({ duration_minutes: 1_500 }),
      'movies.json[3].duration_minutes: ',
    ],
    [
      'a negative price',
      'movies.json',
      movies({ price_minor: -1 }),
      'movies.json[3].price_minor: ',
    ],
    [
      'an unknown field',
      'movies.json',
      movies({ rating: 5 }),
      'movies.json[3].rating: is not a known field',
    ],
    ['a missing field', 'movies.json', [{ title: 'Ran' }], 'movies.json[0].duration_minutes: '],
    [
      'an unknown time zone',
      'theaters.json',
      theaters({ time_zone: 'Mars/Olympus_Mons' }),
      'theaters.json[1].time_zone: must be an IANA time zone like Europe/London',
    ],
    [
      'an offset as time zone',
      'theaters.json',
      theaters({ time_zone: '+01:00' }),
      'theaters.json[1].time_zone: must be an IANA time zone like Europe/London',
    ],
    [
      'too many seats',
      'theaters.json',
      theaters({ total_seats: 100_001 }),
      'theaters.json[1].total_seats: ',
    ],
    ['an object', 'movies.json', { movies: [movie] }, 'movies.json: '],
    ['a byte order mark', 'movies.json', `\ufeff[]`, 'movies.json: starts with a byte order mark'],
    ['an empty file', 'movies.json', '', 'movies.json: line 1 is not valid JSON: '],
    ['an unfinished file', 'movies.json', '[\n{', 'movies.json: line 2 is not valid JSON: '],
    [
      'a missing comma',
      'movies.json',
      '[\n{"title": "Ran"\n"description": ""}]',
      'movies.json: line 3 is not valid JSON: ',
    ],
    [
      'a wrong word',
      'movies.json',
      '[\n{"title": "Ran"},\n{"title": None}\n]',
      'movies.json: line 3 is not valid JSON: ',
    ],
    [
      'another encoding',
      'movies.json',
      Buffer.from('[\n{"title": "Am\u00e9lie"}]', 'latin1'),
      'movies.json: line 2 is not valid UTF-8.',
    ],
  ])('%s', async (_what, file, content, message) => {
    folder.write(file, content);
    const error: unknown = await seedFolder().catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ name: 'SeedFileError' });
    expect((error as Error).message.split('\n')[0]).toContain(message);
    for (const table of ['seed_runs', 'movies', 'theaters', 'screenings']) {
      expect(await rows(`SELECT FROM ${table}`)).toEqual([]);
    }
  });

  test('a missing file', async () => {
    folder.remove();
    await expect(seedFolder()).rejects.toThrow(/^movies\.json: cannot be read: ENOENT/);
    folder = makeSeedFolder();
  });

  test('every wrong field, up to 20, with the number of the others', async () => {
    folder.write(
      'movies.json',
      Array.from({ length: 25 }, () => ({ ...movie, title: '' })),
    );
    const error: unknown = await seedFolder().catch((thrown: unknown) => thrown);
    const errorLines = (error as Error).message.split('\n');
    expect(errorLines).toHaveLength(21);
    expect(errorLines[1]).toMatch(/^movies\.json\[1\]\.title: /);
    expect(errorLines[20]).toBe('and 5 more errors in movies.json');
  });
});
