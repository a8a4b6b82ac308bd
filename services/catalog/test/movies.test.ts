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

test('when an admin adds a movie, then it is answered with its id and read by anyone', async () => {
  const made = await send('POST', '/movies', movie);
  expect(made.status).toBe(201);
  expect(made.body).toEqual({ movie: { id: expect.any(Number), ...movie } });
  const read = await catalog.api('GET', `/movies/${String(made.body.movie.id)}`);
  expect(read.status).toBe(200);
  expect(read.body).toEqual(made.body);
});

test('when a movie has no description, then it is empty', async () => {
  const { description: _none, ...bare } = movie;
  const made = await send('POST', '/movies', bare);
  expect(made.body.movie.description).toBe('');
});

test('when a movie runs for one day, then that is fine', async () => {
  const made = await send('POST', '/movies', { ...movie, end_date: movie.start_date });
  expect(made.status).toBe(201);
});

describe('when a new movie is wrong, then it is 400 and the field is named', () => {
  test.each([
    ['title', { title: '' }],
    ['title', { title: 'x'.repeat(301) }],
    ['title', { title: 'NUL \u0000' }],
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

test('when an admin changes fields, then those change and the others stay', async () => {
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
  expect(all.body).toEqual({ movie: { id, ...movie } });
  expect((await catalog.api('GET', path)).body).toEqual(all.body);
});

describe('when a change is wrong, then it is 400 and nothing changed', () => {
  test.each([
    ['', {}],
    ['title', { title: '' }],
    ['title', { title: null }],
    ['rating', { rating: 5 }],
    ['end_date', { end_date: '2026-12-31' }],
    ['start_date', { start_date: '2028-01-01' }],
    ['end_date', { start_date: '2027-05-02', end_date: '2027-05-01' }],
  ])('%s of %j', async (path, wrong) => {
    const { id } = await insertMovie(catalog.db, { title: 'Stays' });
    const answer = await send('PATCH', `/movies/${String(id)}`, wrong);
    expect(answer.status).toBe(400);
    expect(answer.body.errors).toContainEqual({ path, message: expect.any(String) });
    const read = await catalog.api('GET', `/movies/${String(id)}`);
    expect(read.body.movie).toMatchObject({ title: 'Stays', start_date: '2027-01-01' });
  });
});

test('when a movie is removed, then it is gone, and again is 404', async () => {
  const { id } = await insertMovie(catalog.db);
  const path = `/movies/${String(id)}`;
  const removed = await send('DELETE', path);
  expect(removed.status).toBe(204);
  expect(removed.body).toBe('');
  expect((await catalog.api('GET', path)).status).toBe(404);
  expect((await send('DELETE', path)).status).toBe(404);
  expect((await send('PATCH', path, { title: 'x' })).body.code).toBe('not_found');
});

test('when a movie has a screening, even a past one, then removing it is 409', async () => {
  const { movie_id } = await insertScreening(catalog.db, { starts_at: new Date('2020-01-01') });
  const answer = await send('DELETE', `/movies/${String(movie_id)}`);
  expect(answer.status).toBe(409);
  expect(answer.body.code).toBe('in_use');
  expect((await catalog.api('GET', `/movies/${String(movie_id)}`)).status).toBe(200);
});

test('when a movie changes, then screenings that stand keep price and times', async () => {
  const screening = await insertScreening(catalog.db, { price_minor: 700 });
  await send('PATCH', `/movies/${String(screening.movie_id)}`, movie);
  const read = await catalog.api('GET', `/screenings/${String(screening.id)}`);
  expect(read.body.screening).toMatchObject({
    price: { amount: 700, currency: 'USD' },
    ends_at: screening.ends_at.toISOString(),
  });
});

describe('when a path holds no id, then it is 400', () => {
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

test('when an id is unknown, up to the largest, then it is 404', async () => {
  for (const things of ['movies', 'theaters', 'screenings']) {
    const answer = await catalog.api('GET', `/${things}/9007199254740991`);
    expect([answer.status, answer.body.code]).toEqual([404, 'not_found']);
  }
});
