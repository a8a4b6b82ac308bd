import { afterAll, beforeAll, expect, test } from '@jest/globals';

import { insertScreening, insertTheater } from '../testing/builders.ts';
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

test('without bookings the time and price can change, and the end follows the movie', async () => {
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

test('a new price keeps the times', async () => {
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
])('rejects %s with 409 while there are live bookings', async (_what, body) => {
  const before = await insertScreening(catalog.db, { available_seats: 99 });
  const answer = await patch(before.id, body);
  expect([answer.status, answer.body.code]).toEqual([409, 'has_live_bookings']);
  const read = await catalog.api('GET', `/screenings/${String(before.id)}`);
  expect(read.body.screening).toMatchObject({
    starts_at: before.starts_at.toISOString(),
    price: { amount: 1_500, currency: 'USD' },
  });
});

test('accepts the same time and price again while there are live bookings', async () => {
  const { id, starts_at } = await insertScreening(catalog.db, { available_seats: 1 });
  const same = { starts_at: starts_at.toISOString(), price: { amount: 1_500, currency: 'USD' } };
  expect((await patch(id, { ...same, status: 'scheduled' })).status).toBe(200);
});

test('cancels a screening with live bookings; a repeat answers 200', async () => {
  const { id } = await insertScreening(catalog.db, { available_seats: 40 });
  const cancelled = await patch(id, { status: 'cancelled' });
  expect(cancelled.status).toBe(200);
  // The bookings service releases the seats when it cancels the bookings.
  expect(cancelled.body.screening).toMatchObject({ status: 'cancelled', available_seats: 40 });
  expect(await patch(id, { status: 'cancelled' })).toMatchObject({
    status: 200,
    body: cancelled.body,
  });
});

test.each([
  ['grow', 120, { total_seats: 120, available_seats: 60 }],
  ['shrink to what is booked', 60, { total_seats: 60, available_seats: 0 }],
])('total_seats can %s', async (_what, total_seats, expected) => {
  const { id } = await insertScreening(catalog.db, { available_seats: 40 });
  const changed = await patch(id, { total_seats });
  expect(changed.status).toBe(200);
  expect(changed.body.screening).toMatchObject(expected);
});

test('rejects fewer total_seats than are booked with 409', async () => {
  const { id } = await insertScreening(catalog.db, { available_seats: 40 });
  const answer = await patch(id, { total_seats: 59 });
  expect([answer.status, answer.body.code]).toEqual([409, 'has_live_bookings']);
  expect(answer.body.detail).toBe('60 seats are booked, and only 59 would exist.');
});

test('theater_id can change where the live bookings fit', async () => {
  const { id } = await insertScreening(catalog.db, { available_seats: 40 });
  const fitting = await insertTheater(catalog.db, { total_seats: 60 });
  const changed = await patch(id, { theater_id: fitting.id });
  expect(changed.status).toBe(200);
  const moved = { theater_id: fitting.id, total_seats: 60, available_seats: 0 };
  expect(changed.body.screening).toMatchObject(moved);
  const tooSmall = await insertTheater(catalog.db, { total_seats: 59 });
  const answer = await patch(id, { theater_id: tooSmall.id });
  expect([answer.status, answer.body.code]).toEqual([409, 'has_live_bookings']);
  const read = await catalog.api('GET', `/screenings/${String(id)}`);
  expect(read.body.screening).toMatchObject(moved);
});

test('rejects a theater that is taken with 409, and an unknown one with 404', async () => {
  const one = await insertScreening(catalog.db);
  const other = await insertScreening(catalog.db, { starts_at: one.starts_at });
  const taken = await patch(one.id, { theater_id: other.theater_id });
  expect([taken.status, taken.body.code]).toEqual([409, 'theater_taken']);
  const unknown = await patch(one.id, { theater_id: 999_999 });
  expect([unknown.status, unknown.body.detail]).toEqual([404, 'Theater not found.']);
});

test.each([{ status: 'scheduled' }, { starts_at: start }, { price }, { total_seats: 1 }])(
  'rejects %j of a cancelled screening with 409',
  async (body) => {
    const { id } = await insertScreening(catalog.db, { status: 'cancelled' });
    const answer = await patch(id, body);
    expect([answer.status, answer.body.code]).toEqual([409, 'screening_cancelled']);
  },
);

test('a cancelled screening leaves its theater free for another', async () => {
  const { id, movie_id, theater_id, starts_at } = await insertScreening(catalog.db);
  const body = { movie_id, theater_id, starts_at };
  const post = () => catalog.api('POST', '/screenings', { token: catalog.admin, body });
  expect((await post()).body.code).toBe('theater_taken');
  await patch(id, { status: 'cancelled' });
  expect((await post()).status).toBe(201);
});

test.each([{ status: 'cancelled' }, { starts_at: start }, { price }, { total_seats: 200 }])(
  'rejects %j of a started screening with 409',
  async (body) => {
    const { id } = await insertScreening(catalog.db, { starts_at: past });
    const answer = await patch(id, body);
    expect([answer.status, answer.body.code]).toEqual([409, 'screening_started']);
  },
);

test('rejects a move onto another screening with 409, but accepts one within its own time', async () => {
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
  ['total_seats', { total_seats: 0 }],
  ['total_seats', { total_seats: 100_001 }],
  ['theater_id', { theater_id: 0 }],
  ['theater_id', { theater_id: null }],
  ['movie_id', { movie_id: 1 }],
])('rejects an invalid change of %j with 400: %j', async (path, body) => {
  const { id } = await insertScreening(catalog.db);
  const answer = await patch(id, body);
  expect(answer.status).toBe(400);
  expect(answer.body.errors).toContainEqual({ path, message: expect.any(String) });
});

test('answers 404 for a change of an unknown screening', async () => {
  expect((await patch(999_999, { price })).body.code).toBe('not_found');
});
