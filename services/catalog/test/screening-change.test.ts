import { afterAll, beforeAll, expect, test } from '@jest/globals';

import { insertScreening } from '../testing/builders.ts';
import { startTestCatalog, type RunningCatalog } from '../testing/running-catalog.ts';

let catalog: RunningCatalog;

beforeAll(async () => {
  catalog = await startTestCatalog();
});

afterAll(() => catalog.stop());

const patch = (id: number, body: unknown) =>
  catalog.api('PATCH', `/screenings/${String(id)}`, { token: catalog.admin, body });

const start = '2036-02-01T20:00:00.000Z';
const price = { amount: 2_000, currency: 'USD' };
const past = new Date('2020-01-01T00:00:00Z');

test('when nobody has booked, then time and price change, and the end follows the movie', async () => {
  const before = await insertScreening(catalog.db, { price_minor: 900 });
  await catalog.db.query('UPDATE movies SET duration_minutes = 95 WHERE id = $1', [
    before.movie_id,
  ]);
  const changed = await patch(before.id, { starts_at: start, price });
  expect(changed.status).toBe(200);
  expect(changed.body.screening).toMatchObject({
    id: before.id,
    starts_at: start,
    ends_at: '2036-02-01T21:35:00.000Z',
    price,
    available_seats: 100,
    status: 'scheduled',
  });
  const read = await catalog.api('GET', `/screenings/${String(before.id)}`);
  expect(read.body).toEqual(changed.body);
});

test('when only the price changes, then the times stay', async () => {
  const before = await insertScreening(catalog.db);
  const { body } = await patch(before.id, { price });
  expect(body.screening).toMatchObject({
    price,
    starts_at: before.starts_at.toISOString(),
    ends_at: before.ends_at.toISOString(),
  });
});

test.each([
  ['a new time', { starts_at: start }],
  ['a new price', { price }],
])('when there are live bookings, then %s is 409 and nothing changed', async (_what, body) => {
  const before = await insertScreening(catalog.db, { available_seats: 99 });
  const answer = await patch(before.id, body);
  expect([answer.status, answer.body.code]).toEqual([409, 'has_live_bookings']);
  const read = await catalog.api('GET', `/screenings/${String(before.id)}`);
  expect(read.body.screening).toMatchObject({
    starts_at: before.starts_at.toISOString(),
    price: { amount: 1_500, currency: 'USD' },
  });
});

test('when there are live bookings, then the same time and price again are 200', async () => {
  const { id, starts_at } = await insertScreening(catalog.db, { available_seats: 1 });
  const same = { starts_at: starts_at.toISOString(), price: { amount: 1_500, currency: 'USD' } };
  expect((await patch(id, { ...same, status: 'scheduled' })).status).toBe(200);
});

test('when a screening with live bookings is cancelled, then it is, and again is 200', async () => {
  const { id } = await insertScreening(catalog.db, { available_seats: 40 });
  const cancelled = await patch(id, { status: 'cancelled' });
  expect(cancelled.status).toBe(200);
  // Its seats come back with its bookings, which the bookings service cancels.
  expect(cancelled.body.screening).toMatchObject({ status: 'cancelled', available_seats: 40 });
  expect(await patch(id, { status: 'cancelled' })).toMatchObject({
    status: 200,
    body: cancelled.body,
  });
});

test.each([{ status: 'scheduled' }, { starts_at: start }, { price }])(
  'when a cancelled screening should get %j, then it is 409',
  async (body) => {
    const { id } = await insertScreening(catalog.db, { status: 'cancelled' });
    const answer = await patch(id, body);
    expect([answer.status, answer.body.code]).toEqual([409, 'screening_cancelled']);
  },
);

test('when a screening is cancelled, then another may have its hall', async () => {
  const { id, movie_id, theater_id, starts_at } = await insertScreening(catalog.db);
  const body = { movie_id, theater_id, starts_at };
  const post = () => catalog.api('POST', '/screenings', { token: catalog.admin, body });
  expect((await post()).body.code).toBe('theater_taken');
  await patch(id, { status: 'cancelled' });
  expect((await post()).status).toBe(201);
});

test.each([{ status: 'cancelled' }, { starts_at: start }, { price }])(
  'when a started screening should get %j, then it is 409',
  async (body) => {
    const { id } = await insertScreening(catalog.db, { starts_at: past });
    const answer = await patch(id, body);
    expect([answer.status, answer.body.code]).toEqual([409, 'screening_started']);
  },
);

test('when a screening is moved into another, then it is 409; when onto its own time, 200', async () => {
  const one = await insertScreening(catalog.db);
  const after = new Date(one.ends_at.getTime() + 3_600_000);
  const { id } = await insertScreening(catalog.db, {
    theater_id: one.theater_id,
    starts_at: after,
  });
  const into = await patch(id, { starts_at: one.starts_at });
  expect([into.status, into.body.code]).toEqual([409, 'theater_taken']);
  expect((await patch(id, { starts_at: one.ends_at })).status).toBe(200);
  const earlier = new Date(one.starts_at.getTime() - 60_000);
  expect((await patch(one.id, { starts_at: earlier })).status).toBe(200);
});

test.each([
  ['', {}],
  ['starts_at', { starts_at: past }],
  ['starts_at', { starts_at: 'tomorrow' }],
  ['price.currency', { price: { amount: 5, currency: 'EUR' } }],
  ['status', { status: 'sold' }],
  ['available_seats', { available_seats: 100 }],
  ['total_seats', { total_seats: 100 }],
  ['movie_id', { movie_id: 1 }],
])('when a change is wrong in %j (%j), then it is 400', async (path, body) => {
  const { id } = await insertScreening(catalog.db);
  const answer = await patch(id, body);
  expect(answer.status).toBe(400);
  expect(answer.body.errors).toContainEqual({ path, message: expect.any(String) });
});

test('when there is no such screening, then a change is 404', async () => {
  expect((await patch(999_999, { price })).body.code).toBe('not_found');
});
