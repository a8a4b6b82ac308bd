import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

import { insertMovie, insertScreening } from '../testing/builders.ts';
import { startTestCatalog, type RunningCatalog } from '../testing/running-catalog.ts';

let catalog: RunningCatalog;

beforeAll(async () => {
  catalog = await startTestCatalog();
});

afterAll(() => catalog.stop());

const movie = {
  title: 'Metropolis',
  description: 'A city of the future',
  duration_minutes: 153,
  price: { amount: 1_250, currency: 'USD' },
  start_date: '2027-01-10',
  end_date: '2027-03-10',
};

const send = (method: string, path: string, body?: unknown) =>
  catalog.api(method, path, { token: catalog.admin, body });

test('an admin creates a movie, and it can be read without a token', async () => {
  const made = await send('POST', '/movies', movie);
  expect(made.status).toBe(201);
  expect(made.body.movie).toMatchObject({ id: expect.any(Number), ...movie });
  expect(made.headers.get('location')).toBe(`/movies/${String(made.body.movie.id)}`);
  const read = await catalog.api('GET', `/movies/${String(made.body.movie.id)}`);
  expect(read.status).toBe(200);
  expect(read.body).toEqual(made.body);
});

test('the description is empty by default', async () => {
  const { description: _none, ...bare } = movie;
  const made = await send('POST', '/movies', bare);
  expect(made.body.movie.description).toBe('');
});

test('accepts a run of one day', async () => {
  const made = await send('POST', '/movies', { ...movie, end_date: movie.start_date });
  expect(made.status).toBe(201);
});

describe('rejects an invalid new movie with 400 and names the field', () => {
  test.each([
    ['title', { title: '' }],
    ['title', { title: 'x'.repeat(301) }],
    ['title', { title: 'NUL \u0000' }],
    ['title', { title: ' \u00a0 ' }],
    ['title', { title: '\u0001\u200b' }],
    ['title', { title: 'Two\nlines' }],
    ['title', { title: null }],
    ['description', { description: 'a bell \u0007' }],
    ['title', { title: undefined }],
    ['description', { description: 'x'.repeat(5_001) }],
    ['duration_minutes', { duration_minutes: 0 }],
    ['duration_minutes', { duration_minutes: 1_441 }],
    ['duration_minutes', { duration_minutes: 90.5 }],
    ['duration_minutes', { duration_minutes: '90' }],
    ['price', { price: 1_000 }],
    ['price.amount', { price: { amount: -1, currency: 'USD' } }],
    ['price.amount', { price: { amount: 100_000_001, currency: 'USD' } }],
    ['price.currency', { price: { amount: 1, currency: 'EUR' } }],
    ['start_date', { start_date: '2027-02-30' }],
    ['start_date', { start_date: '0000-01-01' }],
    ['start_date', { start_date: '2027-01-10T00:00:00Z' }],
    ['end_date', { end_date: '2027-01-09' }],
    ['id', { id: 7 }],
  ])('%s of %j', async (path, wrong) => {
    const answer = await send('POST', '/movies', { ...movie, ...wrong });
    expect(answer.status).toBe(400);
    expect(answer.body.code).toBe('invalid_request');
    expect(answer.body.errors).toContainEqual({ path, message: expect.any(String) });
  });
});

test('PATCH changes the fields that are sent and no others', async () => {
  const { id } = await insertMovie(catalog.db, { description: 'old', duration_minutes: 90 });
  const path = `/movies/${String(id)}`;
  const price = { amount: 0, currency: 'USD' };
  const changed = await send('PATCH', path, { title: 'New', price });
  expect(changed.status).toBe(200);
  expect(changed.body.movie).toMatchObject({
    id,
    title: 'New',
    price,
    description: 'old',
    duration_minutes: 90,
  });
  const all = await send('PATCH', path, movie);
  expect(all.body.movie).toMatchObject({ id, ...movie });
  expect((await catalog.api('GET', path)).body).toEqual(all.body);
});

describe('rejects an invalid change with 400 and changes nothing', () => {
  test.each([
    ['', {}],
    ['title', { title: '' }],
    ['title', { title: null }],
    ['rating', { rating: 5 }],
    ['end_date', { end_date: '1999-12-31' }],
    ['start_date', { start_date: '2100-01-01' }],
    ['end_date', { start_date: '2027-05-02', end_date: '2027-05-01' }],
  ])('%s of %j', async (path, wrong) => {
    const { id } = await insertMovie(catalog.db, { title: 'Stays' });
    const answer = await send('PATCH', `/movies/${String(id)}`, wrong);
    expect(answer.status).toBe(400);
    expect(answer.body.errors).toContainEqual({ path, message: expect.any(String) });
    const read = await catalog.api('GET', `/movies/${String(id)}`);
    expect(read.body.movie).toMatchObject({ title: 'Stays', start_date: '2000-01-01' });
  });
});

test('deletes a movie; a repeat answers 404', async () => {
  const { id } = await insertMovie(catalog.db);
  const path = `/movies/${String(id)}`;
  const removed = await send('DELETE', path);
  expect(removed.status).toBe(204);
  expect(removed.body).toBe('');
  expect((await catalog.api('GET', path)).status).toBe(404);
  expect((await send('DELETE', path)).status).toBe(404);
  expect((await send('PATCH', path, { title: 'x' })).body.code).toBe('not_found');
});

test('rejects the deletion of a movie with a past screening with 409', async () => {
  const { movie_id } = await insertScreening(catalog.db, { starts_at: new Date('2020-01-01') });
  const answer = await send('DELETE', `/movies/${String(movie_id)}`);
  expect(answer.status).toBe(409);
  expect(answer.body.code).toBe('in_use');
  expect((await catalog.api('GET', `/movies/${String(movie_id)}`)).status).toBe(200);
});

test('stores text in NFC without surrounding white space', async () => {
  const made = await send('POST', '/movies', {
    ...movie,
    title: '  Ame\u0301lie\u00a0',
    description: '\nOne line.\n\nAnother.\n',
  });
  expect(made.body.movie).toMatchObject({
    title: 'Am\u00e9lie',
    description: 'One line.\n\nAnother.',
  });
  const path = `/movies/${String(made.body.movie.id)}`;
  const changed = await send('PATCH', path, { title: ' Ame\u0301lie 2 ' });
  expect(changed.body.movie.title).toBe('Am\u00e9lie 2');
});

test('counts a title in characters, as PostgreSQL does', async () => {
  const title = '🎬'.repeat(300);
  expect((await send('POST', '/movies', { ...movie, title })).body.movie?.title).toBe(title);
});

test('an unknown field is the only error of a PATCH that has no other field', async () => {
  const { id } = await insertMovie(catalog.db);
  const answer = await send('PATCH', `/movies/${String(id)}`, { rating: 5 });
  expect(answer.body.errors).toEqual([{ path: 'rating', message: expect.any(String) }]);
});

test('screenings keep their price and times when their movie changes', async () => {
  const screening = await insertScreening(catalog.db, { price_minor: 700 });
  const { start_date: _start, end_date: _end, ...changes } = movie;
  const changed = await send('PATCH', `/movies/${String(screening.movie_id)}`, changes);
  expect(changed.status).toBe(200);
  const read = await catalog.api('GET', `/screenings/${String(screening.id)}`);
  expect(read.body.screening).toMatchObject({
    price: { amount: 700, currency: 'USD' },
    ends_at: screening.ends_at.toISOString(),
  });
});

describe('rejects a malformed id with 400', () => {
  test.each(['0', '-1', '1.0', '01', 'abc', '9007199254740992', '99999999999999999999', '%00'])(
    '%s',
    async (id) => {
      for (const things of ['movies', 'theaters', 'screenings']) {
        const answer = await catalog.api('GET', `/${things}/${id}`);
        expect([answer.status, answer.body.code]).toEqual([400, 'invalid_request']);
      }
    },
  );
});

test('answers 404 for an unknown id, the largest included', async () => {
  for (const things of ['movies', 'theaters', 'screenings']) {
    const answer = await catalog.api('GET', `/${things}/9007199254740991`);
    expect([answer.status, answer.body.code]).toEqual([404, 'not_found']);
  }
});
