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

const newReferences = async () => ({
  movie_id: (await insertMovie(catalog.db, { duration_minutes: 100, price_minor: 900 })).id,
  theater_id: (await insertTheater(catalog.db, { total_seats: 42 })).id,
});

test('a new screening takes its price and end from the movie and its seats from the theater', async () => {
  const references = await newReferences();
  const made = await send('POST', '/screenings', { ...references, starts_at: start });
  expect(made.status).toBe(201);
  expect(made.headers.get('location')).toBe(`/screenings/${String(made.body.screening.id)}`);
  expect(made.body).toEqual({
    screening: {
      id: expect.any(Number),
      ...references,
      starts_at: start,
      ends_at: '2035-06-01T21:10:00.000Z',
      price: { amount: 900, currency: 'USD' },
      total_seats: 42,
      available_seats: 42,
      status: 'scheduled',
      seat_plan_id: null,
      price_card_id: null,
    },
  });
  const read = await catalog.api('GET', `/screenings/${String(made.body.screening.id)}`);
  expect(read.body).toEqual(made.body);
});

test('a screening can have its own price, even 0', async () => {
  const price = { amount: 0, currency: 'USD' };
  const made = await send('POST', '/screenings', {
    ...(await newReferences()),
    starts_at: start,
    price,
  });
  expect(made.body.screening.price).toEqual(price);
});

test.each(['2035-06-01T21:30:00+02:00', '2035-06-01t19:30:00z'])(
  'presents %s in UTC',
  async (starts_at) => {
    const made = await send('POST', '/screenings', { ...(await newReferences()), starts_at });
    expect(made.body.screening.starts_at).toBe(start);
  },
);

test.each([
  ['movie', 'Movie not found.'],
  ['theater', 'Theater not found.'],
])('answers 404 where the %s is unknown', async (what, detail) => {
  const body = { ...(await newReferences()), starts_at: start, [`${what}_id`]: 999_999 };
  const answer = await send('POST', '/screenings', body);
  expect([answer.status, answer.body.code]).toEqual([404, 'not_found']);
  expect(answer.body.detail).toBe(detail);
});

describe('rejects an invalid new screening with 400 and names the field', () => {
  test.each([
    ['starts_at', { starts_at: '2020-01-01T00:00:00Z' }],
    ['starts_at', { starts_at: '2035-06-01T19:30:00' }],
    ['starts_at', { starts_at: '0001-01-01T00:00:00Z' }],
    ['starts_at', { starts_at: '2035-06-01T24:00:00Z' }],
    ['starts_at', { starts_at: 2_000_000_000 }],
    ['movie_id', { movie_id: 0 }],
    ['movie_id', { movie_id: 2 ** 53 }],
    ['theater_id', { theater_id: '1' }],
    ['price.currency', { price: { amount: 1, currency: 'GBP' } }],
    ['available_seats', { available_seats: 3 }],
    ['status', { status: 'cancelled' }],
  ])('%s of %j', async (path, wrong) => {
    const body = { ...(await newReferences()), starts_at: start, ...wrong };
    const answer = await send('POST', '/screenings', body);
    expect(answer.status).toBe(400);
    expect(answer.body.errors).toContainEqual({ path, message: expect.any(String) });
  });
});

describe('while the theater has a screening from 19:30 to 21:10, another one', () => {
  test.each([
    ['at the same time', '2035-06-01T19:30:00Z', 409],
    ['that ends after its start', '2035-06-01T17:51:00Z', 409],
    ['that starts before its end', '2035-06-01T21:09:59Z', 409],
    ['that starts at its end', '2035-06-01T21:10:00Z', 201],
    ['that ends at its start', '2035-06-01T17:50:00Z', 201],
  ])('%s is answered', async (_when, starts_at, status) => {
    const references = await newReferences();
    await send('POST', '/screenings', { ...references, starts_at: start });
    const answer = await send('POST', '/screenings', { ...references, starts_at });
    expect(answer.status).toBe(status);
    if (status === 409) expect(answer.body.code).toBe('theater_taken');
  });

  test('in another theater is accepted', async () => {
    const references = await newReferences();
    const other = await newReferences();
    for (const { theater_id } of [references, other]) {
      const body = { ...references, theater_id, starts_at: start };
      expect((await send('POST', '/screenings', body)).status).toBe(201);
    }
  });
});

test('deletes a screening without bookings; a repeat answers 404', async () => {
  const { id } = await insertScreening(catalog.db);
  const path = `/screenings/${String(id)}`;
  expect((await send('DELETE', path)).status).toBe(204);
  expect((await catalog.api('GET', path)).status).toBe(404);
  expect((await send('DELETE', path)).status).toBe(404);
});

test('rejects the deletion of a screening with an expired booking with 409', async () => {
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
