import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createTestDatabase } from '@movie-ticketing/kit/testing/database';
import pg from 'pg';

import { seed, type SeedOptions, type SeedResult } from '../src/seed.ts';
import { makeSeedRepository } from '../src/seed.repository.ts';

const now = new Date('2026-03-20T12:34:56Z');

let database: Awaited<ReturnType<typeof createTestDatabase>>;
let client: pg.Client;

beforeEach(async () => {
  database = await createTestDatabase();
  client = new pg.Client({ connectionString: database.url });
  await client.connect();
});

afterEach(async () => {
  await client.end();
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

async function numberOf(sql: string): Promise<number> {
  const { rows } = await client.query<{ n: string }>(`SELECT count(*) AS n FROM ${sql}`);
  return Number(rows[0]?.n);
}

async function counts(): Promise<Record<string, number>> {
  const found: Record<string, number> = {};
  for (const table of ['movies', 'theaters', 'screenings', 'users', 'seed_runs']) {
    found[table] = await numberOf(table);
  }
  return found;
}

const nothing = { movies: 0, theaters: 0, screenings: 0, users: 0, seed_runs: 0 };

const programme = {
  currency: 'EUR',
  movies: [
    {
      title: 'Ran',
      title_folded: 'RAN',
      description: '',
      duration_minutes: 162,
      price_minor: 1200,
      startDate: '2026-03-20',
      endDate: '2026-03-20',
    },
  ],
  theaters: [{ name: 'A', location: 'B', time_zone: 'UTC', total_seats: 10 }],
  screenings: [],
};

describe('seed', () => {
  test('when the demo is loaded, then two weeks of films stand in the catalog', async () => {
    expect((await seedDemo()).seeded).toBe(true);

    const made = await counts();
    expect(made['movies']).toBeGreaterThanOrEqual(36);
    expect(made).toMatchObject({ theaters: 8, users: 2, seed_runs: 1 });
    const days = `(SELECT DISTINCT theater_id, starts_at::date FROM screenings) AS shown`;
    expect(await numberOf(days)).toBeGreaterThanOrEqual(8 * 14);
    expect(await numberOf(`screenings WHERE starts_at <= '${now.toISOString()}'`)).toBe(0);
    expect(await numberOf(`screenings WHERE available_seats <> total_seats`)).toBe(0);
    expect(await numberOf(`screenings WHERE currency <> 'EUR'`)).toBe(0);
  });

  test('when the demo is loaded, then screenings agree with their film and hall', async () => {
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

  test('when it runs again, then nothing is added and the sign-ins are still told', async () => {
    const first = await seedDemo();
    const before = await counts();
    const second = await seedDemo();
    expect(second).toEqual({ seeded: false, signIns: first.signIns });
    expect(await counts()).toEqual(before);
    expect(second.signIns.map(({ role }) => role)).toEqual(['customer', 'staff']);
  });

  test('when the mode is none, then nothing is touched', async () => {
    expect(await seedDemo({ mode: 'none' })).toEqual({ seeded: false, signIns: [] });
    expect(await counts()).toEqual(nothing);
  });

  test('when someone has a demo address already, then their account stays theirs', async () => {
    await client.query(
      `INSERT INTO users (email, canonical_email, password_hash)
       VALUES ('Sam@Example.com', 'sam@example.com', 'own')`,
    );
    expect((await seedDemo()).seeded).toBe(true);
    const sam = `users WHERE lower(email) = 'sam@example.com'`;
    expect(await numberOf(`${sam} AND password_hash = 'own' AND role = 'customer'`)).toBe(1);
    expect(await numberOf(sam)).toBe(1);
  });

  test('when a film of the same title is there already, then no demo screening hangs on it', async () => {
    await makeSeedRepository(client).insertProgramme(programme);
    await seedDemo();
    const own = `screenings WHERE movie_id = (SELECT min(id) FROM movies WHERE title = 'Ran')`;
    expect(await numberOf(own)).toBe(0);
  });
});

describe('two seeds at once', () => {
  test('when two run at once, then one seeds and the other sees it done', async () => {
    const results = await Promise.all([seedDemo(), seedDemo()]);
    expect(results.map(({ seeded }) => seeded).sort()).toEqual([false, true]);
    expect(await counts()).toMatchObject({ theaters: 8, seed_runs: 1 });
  });

  test('when they do not lock (control), then both find it undone', async () => {
    const other = new pg.Client({ connectionString: database.url });
    await other.connect();
    try {
      await client.query('BEGIN');
      await makeSeedRepository(client).markSeeded('demo');
      expect(await makeSeedRepository(other).isSeeded('demo')).toBe(false);
      await client.query('ROLLBACK');
    } finally {
      await other.end();
    }
  });
});

describe('a seed that fails', () => {
  const failing = (): Promise<string> => Promise.reject(new Error('no hash today'));

  test('when it fails half-way, then nothing of it stays and the next run seeds', async () => {
    await expect(seedDemo({ hashPassword: failing })).rejects.toThrow('no hash today');
    expect(await counts()).toEqual(nothing);
    expect((await seedDemo()).seeded).toBe(true);
  });

  test('when the mark cannot be set, then nothing of it stays', async () => {
    await client.query(`ALTER TABLE seed_runs ADD CONSTRAINT never CHECK (mode <> 'demo')`);
    await expect(seedDemo()).rejects.toMatchObject({ code: '23514' });
    expect(await counts()).toEqual(nothing);
  });

  test('when the same steps run outside a transaction (control), then films stay behind', async () => {
    const repository = makeSeedRepository(client);
    await client.query(`ALTER TABLE seed_runs ADD CONSTRAINT never CHECK (mode <> 'demo')`);
    await repository.insertProgramme(programme);
    await expect(repository.markSeeded('demo')).rejects.toMatchObject({ code: '23514' });
    expect(await counts()).toEqual({ ...nothing, movies: 1, theaters: 1 });
  });
});
