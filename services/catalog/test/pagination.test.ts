import { afterAll, beforeAll, expect, test } from '@jest/globals';

import { insertMovie, insertScreening, insertTheater } from '../testing/builders.ts';
import { startTestCatalog, type RunningCatalog } from '../testing/running-catalog.ts';

let catalog: RunningCatalog;

beforeAll(async () => {
  catalog = await startTestCatalog();
});

afterAll(() => catalog.stop());

type Listed = { id: number; starts_at: string };

const readAll = async (things: string, query: string, from = ''): Promise<Listed[]> => {
  const found: Listed[] = [];
  let cursor: string | null = from;
  while (cursor !== null && found.length < 100) {
    const after: string = cursor === '' ? '' : `&cursor=${cursor}`;
    const { body } = await catalog.api('GET', `/${things}?${query}${after}`);
    found.push(...body[things]);
    cursor = body.next_cursor;
  }
  return found;
};

test('pages of movies and theaters have each once, sorted by id', async () => {
  const movies: number[] = [];
  const theaters: number[] = [];
  for (let made = 0; made < 7; made += 1) {
    movies.push((await insertMovie(catalog.db, { title: `Paged ${String(made)}` })).id);
    theaters.push((await insertTheater(catalog.db)).id);
  }
  for (const limit of [1, 3, 7, 200]) {
    const query = `limit=${String(limit)}`;
    expect((await readAll('movies', `${query}&q=paged`)).map(({ id }) => id)).toEqual(movies);
    expect((await readAll('theaters', query)).map(({ id }) => id)).toEqual(theaters);
  }
});

test('the last page has no next_cursor', async () => {
  const { id } = await insertMovie(catalog.db, { title: 'The only one' });
  const { body } = await catalog.api('GET', '/movies?limit=1&q=the%20only%20one');
  expect(body).toMatchObject({ movies: [{ id }], next_cursor: null });
});

test('pages of screenings that start together or microseconds apart have each once', async () => {
  const { id: movie_id } = await insertMovie(catalog.db);
  const made: number[] = [];
  for (let index = 0; index < 12; index += 1) {
    const { id } = await insertScreening(catalog.db, { movie_id });
    // Four at one instant, four a microsecond apart within one millisecond, four before all these.
    const micros = index < 4 ? 500 : index < 8 ? 500 + index : -index;
    await catalog.db.query(
      `UPDATE screenings SET starts_at = '2031-01-01T00:00:00Z'::timestamptz + $2 * interval '1 microsecond',
         ends_at = '2031-01-01T02:00:00Z' WHERE id = $1`,
      [id, micros],
    );
    made.push(id);
  }
  const inOrder = [...made.slice(8).reverse(), ...made.slice(0, 8)];
  for (const limit of [1, 2, 5, 12]) {
    const query = `movie_id=${String(movie_id)}&limit=${String(limit)}`;
    expect((await readAll('screenings', query)).map(({ id }) => id)).toEqual(inOrder);
  }
});

test('rows that are added and deleted between pages neither repeat nor hide others', async () => {
  const ids: number[] = [];
  for (let made = 0; made < 6; made += 1) {
    ids.push((await insertMovie(catalog.db, { title: 'Moving' })).id);
  }
  const first = await catalog.api('GET', '/movies?q=moving&limit=3');
  // An offset would now skip one of those that are still to come.
  await catalog.db.query('DELETE FROM movies WHERE id = ANY ($1)', [ids.slice(0, 2)]);
  const added = await insertMovie(catalog.db, { title: 'Moving' });
  const rest = await readAll('movies', 'q=moving&limit=3', first.body.next_cursor);
  expect(rest.map(({ id }) => id)).toEqual([...ids.slice(3), added.id]);
});
