import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

import { insertMovie, insertScreening, insertTheater, insertUser } from '../testing/builders.ts';
import { startTestCatalog, type RunningCatalog } from '../testing/running-catalog.ts';

let catalog: RunningCatalog;

beforeAll(async () => {
  catalog = await startTestCatalog();
});

afterAll(() => catalog.stop());

const send = (method: string, path: string, body?: unknown) =>
  catalog.api(method, path, { token: catalog.admin, body });

const start = '2035-06-01T19:30:00.000Z';

const ground = async () => ({
  movie_id: (await insertMovie(catalog.db, { duration_minutes: 100, price_minor: 900 })).id,
  theater_id: (await insertTheater(catalog.db, { total_seats: 42 })).id,
});

test('when an admin adds a screening, then price, end and seats come from movie and theater', async () => {
  const refers = await ground();
  const made = await send('POST', '/screenings', { ...refers, starts_at: start });
  expect(made.status).toBe(201);
  expect(made.body).toEqual({
    screening: {
      id: expect.any(Number),
      ...refers,
      starts_at: start,
      ends_at: '2035-06-01T21:10:00.000Z',
      price: { amount: 900, currency: 'USD' },
      total_seats: 42,
      available_seats: 42,
      status: 'scheduled',
    },
  });
  const read = await catalog.api('GET', `/screenings/${String(made.body.screening.id)}`);
  expect(read.body).toEqual(made.body);
});

test('when a price is given, free included, then that is its price', async () => {
  const price = { amount: 0, currency: 'USD' };
  const made = await send('POST', '/screenings', { ...(await ground()), starts_at: start, price });
  expect(made.body.screening.price).toEqual(price);
});

test('when the start has an offset, then it is answered in UTC', async () => {
  const starts_at = '2035-06-01T21:30:00+02:00';
  const made = await send('POST', '/screenings', { ...(await ground()), starts_at });
  expect(made.body.screening.starts_at).toBe(start);
});

test.each(['movie', 'theater'])('when the %s is unknown, then it is 404 and said', async (what) => {
  const body = { ...(await ground()), starts_at: start, [`${what}_id`]: 999_999 };
  const answer = await send('POST', '/screenings', body);
  expect([answer.status, answer.body.code]).toEqual([404, 'not_found']);
  expect(answer.body.detail).toBe(`There is no such ${what}.`);
});

describe('when a new screening is wrong, then it is 400 and the field is named', () => {
  test.each([
    ['starts_at', { starts_at: '2020-01-01T00:00:00Z' }],
    ['starts_at', { starts_at: '2035-06-01T19:30:00' }],
    ['starts_at', { starts_at: '0001-01-01T00:00:00Z' }],
    ['starts_at', { starts_at: 2_000_000_000 }],
    ['movie_id', { movie_id: 0 }],
    ['movie_id', { movie_id: 2 ** 53 }],
    ['theater_id', { theater_id: '1' }],
    ['price.currency', { price: { amount: 1, currency: 'GBP' } }],
    ['available_seats', { available_seats: 3 }],
    ['status', { status: 'cancelled' }],
  ])('%s of %j', async (path, wrong) => {
    const body = { ...(await ground()), starts_at: start, ...wrong };
    const answer = await send('POST', '/screenings', body);
    expect(answer.status).toBe(400);
    expect(answer.body.errors).toContainEqual({ path, message: expect.any(String) });
  });
});

describe('when the hall has a screening from 19:30 to 21:10, then another', () => {
  test.each([
    ['at the same time', '2035-06-01T19:30:00Z', 409],
    ['that runs into it', '2035-06-01T17:51:00Z', 409],
    ['that begins in it', '2035-06-01T21:09:59Z', 409],
    ['that begins as it ends', '2035-06-01T21:10:00Z', 201],
    ['that ends as it begins', '2035-06-01T17:50:00Z', 201],
  ])('%s gets its answer', async (_when, starts_at, status) => {
    const refers = await ground();
    await send('POST', '/screenings', { ...refers, starts_at: start });
    const answer = await send('POST', '/screenings', { ...refers, starts_at });
    expect(answer.status).toBe(status);
    if (status === 409) expect(answer.body.code).toBe('theater_taken');
  });

  test('in another hall is fine', async () => {
    const refers = await ground();
    const other = await ground();
    for (const { theater_id } of [refers, other]) {
      const body = { ...refers, theater_id, starts_at: start };
      expect((await send('POST', '/screenings', body)).status).toBe(201);
    }
  });
});

test('when a screening nobody ever booked is removed, then it is gone, and again is 404', async () => {
  const { id } = await insertScreening(catalog.db);
  const path = `/screenings/${String(id)}`;
  expect((await send('DELETE', path)).status).toBe(204);
  expect((await catalog.api('GET', path)).status).toBe(404);
  expect((await send('DELETE', path)).status).toBe(404);
});

test('when a screening was booked, even if the booking expired, then removing it is 409', async () => {
  const { id } = await insertScreening(catalog.db);
  const user = await insertUser(catalog.db);
  await catalog.db.query(
    `INSERT INTO bookings (reference, user_id, screening_id, num_tickets, status, total_minor, currency, created_at, expires_at)
     VALUES ('REFERENCE', $1, $2, 1, 'expired', 900, 'USD', now(), now())`,
    [user.id, id],
  );
  const answer = await send('DELETE', `/screenings/${String(id)}`);
  expect([answer.status, answer.body.code]).toEqual([409, 'in_use']);
});
