import { afterAll, beforeAll, expect, test } from '@jest/globals';

import { insertMovie, insertScreening, insertTheater, insertUser } from '../testing/builders.ts';
import { until } from '@movie-ticketing/kit/testing/until';
import { startTestCatalog, type RunningCatalog } from '../testing/running-catalog.ts';

let catalog: RunningCatalog;

beforeAll(async () => {
  catalog = await startTestCatalog({
    prepare: async (db) => {
      const { id } = await insertUser(db);
      for (const [key, age] of [
        ['old', '24 hours 1 minute'],
        ['young', '23 hours 59 minutes'],
      ]) {
        await db.query(
          `INSERT INTO catalog_idempotency_keys (user_id, scope, key, request_hash, status, body, created_at)
           VALUES ($1, 'POST /movies', $2, '', 201, '{}', clock_timestamp() - $3::interval)`,
          [id, key, age],
        );
      }
    },
  });
});

afterAll(() => catalog.stop());

let made = 0;
const newKey = (): string => `key-${String((made += 1))}`;

const newScreening = async () => ({
  movie_id: (await insertMovie(catalog.db)).id,
  theater_id: (await insertTheater(catalog.db)).id,
  starts_at: '2035-01-01T20:00:00Z',
});

const post = (path: string, body: unknown, key?: string, token = catalog.admin) =>
  catalog.api('POST', path, { token, body, key });

const theater = { name: 'Rex', location: 'Paris', time_zone: 'Europe/Paris', total_seats: 9 };
const movie = {
  title: 'M',
  duration_minutes: 99,
  price: { amount: 1, currency: 'USD' },
  start_date: '2027-01-01',
  end_date: '2027-01-02',
};

test.each([
  ['/movies', movie, 'movies'],
  ['/theaters', theater, 'theaters'],
] as const)('replays the response of POST %s with its Location', async (path, body, table) => {
  const key = newKey();
  const first = await post(path, body, key);
  const count = async () => (await catalog.db.query(`SELECT FROM ${table}`)).length;
  const before = await count();
  const again = await post(path, body, key);
  expect(again).toMatchObject({ status: 201, body: first.body });
  expect(first.headers.get('idempotent-replayed')).toBeNull();
  expect(again.headers.get('idempotent-replayed')).toBe('true');
  expect(first.headers.get('location')).not.toBeNull();
  expect(again.headers.get('location')).toBe(first.headers.get('location'));
  expect(await count()).toBe(before);
});

test('rejects another body with 422, but replays the same body in another order', async () => {
  const key = newKey();
  await post('/movies', movie, key);
  const other = await post('/movies', { ...movie, title: 'N' }, key);
  expect([other.status, other.body.code]).toEqual([422, 'idempotency_key_reused']);
  const reordered = Object.fromEntries(Object.entries(movie).reverse());
  const same = await post('/movies', { ...reordered, description: '' }, key);
  expect(same.headers.get('idempotent-replayed')).toBe('true');
});

test('a key belongs to one user, method and path', async () => {
  const key = newKey();
  const other = (await catalog.signUp('admin')).token;
  const answers = [
    await post('/theaters', theater, key),
    await post('/theaters', theater, key, other),
    await post('/movies', movie, key),
  ];
  for (const answer of answers) {
    expect(answer.status).toBe(201);
    expect(answer.headers.get('idempotent-replayed')).toBeNull();
  }
});

test('concurrent repeats create one screening and all return it', async () => {
  for (let round = 0; round < 5; round += 1) {
    const body = await newScreening();
    const key = newKey();
    const answers = await Promise.all(
      Array.from({ length: 6 }, () => post('/screenings', body, key)),
    );
    expect(answers.map(({ status }) => status)).toEqual(Array(6).fill(201));
    expect(new Set(answers.map((answer) => answer.body.screening.id)).size).toBe(1);
    const fresh = answers.filter(({ headers }) => !headers.has('idempotent-replayed'));
    expect(fresh).toHaveLength(1);
  }
});

test('without a key each request creates a movie', async () => {
  const body = { ...movie, title: 'No key' };
  const answers = await Promise.all(Array.from({ length: 3 }, () => post('/movies', body)));
  expect(new Set(answers.map((answer) => answer.body.movie.id)).size).toBe(3);
});

test('a refused request leaves its key free', async () => {
  const { id, movie_id, theater_id, starts_at } = await insertScreening(catalog.db);
  const body = { movie_id, theater_id, starts_at };
  const key = newKey();
  expect((await post('/screenings', body, key)).body.code).toBe('theater_taken');
  await catalog.db.query('DELETE FROM screenings WHERE id = $1', [id]);
  const retried = await post('/screenings', body, key);
  expect(retried.status).toBe(201);
  expect(retried.headers.get('idempotent-replayed')).toBeNull();
});

test.each(['', 'x'.repeat(256), 'a b'])('rejects the key %j with 400', async (key) => {
  expect((await post('/movies', movie, key)).status).toBe(400);
});

test('deletes responses older than 24 hours and keeps younger ones', async () => {
  const stored = async (key: string): Promise<boolean> => {
    const rows = await catalog.db.query('SELECT FROM catalog_idempotency_keys WHERE key = $1', [
      key,
    ]);
    return rows.length > 0;
  };
  await until(async () => !(await stored('old')));
  expect(await stored('young')).toBe(true);
});
