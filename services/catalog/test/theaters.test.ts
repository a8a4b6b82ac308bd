import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

import { insertScreening, insertTheater } from '../testing/builders.ts';
import { startTestCatalog, type RunningCatalog } from '../testing/running-catalog.ts';

let catalog: RunningCatalog;

beforeAll(async () => {
  catalog = await startTestCatalog();
});

afterAll(() => catalog.stop());

const theater = {
  name: 'Filmtheater Tuschinski',
  location: 'Amsterdam',
  time_zone: 'Europe/Amsterdam',
  total_seats: 735,
};

/** What a theater is that says nothing about its seats. */
const unplanned = { seat_plan_id: null, prevent_orphan_seats: true };

const send = (method: string, path: string, body?: unknown) =>
  catalog.api(method, path, { token: catalog.admin, body });

test('an admin creates a theater, and it can be read without a token', async () => {
  const made = await send('POST', '/theaters', theater);
  expect(made.status).toBe(201);
  expect(made.body).toEqual({ theater: { id: expect.any(Number), ...theater, ...unplanned } });
  expect(made.headers.get('location')).toBe(`/theaters/${String(made.body.theater.id)}`);
  const read = await catalog.api('GET', `/theaters/${String(made.body.theater.id)}`);
  expect(read.body).toEqual(made.body);
});

test.each([1, 100_000])('accepts a theater of %d seats', async (total_seats) => {
  expect((await send('POST', '/theaters', { ...theater, total_seats })).status).toBe(201);
});

test.each([
  ['UTC', 'UTC'],
  ['America/Argentina/Buenos_Aires', 'America/Argentina/Buenos_Aires'],
  ['Asia/Kolkata', 'Asia/Kolkata'],
  ['europe/london', 'Europe/London'],
  ['US/Pacific', 'America/Los_Angeles'],
])('stores the time zone %s as %s', async (time_zone, stored) => {
  const made = await send('POST', '/theaters', { ...theater, time_zone });
  expect(made.body.theater?.time_zone).toBe(stored);
  const path = `/theaters/${String(made.body.theater.id)}`;
  expect((await send('PATCH', path, { time_zone })).body.theater.time_zone).toBe(stored);
});

describe('rejects an invalid new theater with 400 and names the field', () => {
  test.each([
    ['name', { name: '' }],
    ['name', { name: ' ' }],
    ['location', { location: '\u0085' }],
    ['location', { location: undefined }],
    ['location', { location: '\ud800' }],
    ['time_zone', { time_zone: 'Mars/Olympus_Mons' }],
    ['time_zone', { time_zone: '+01:00' }],
    ['time_zone', { time_zone: '' }],
    ['total_seats', { total_seats: 0 }],
    ['total_seats', { total_seats: 100_001 }],
    ['total_seats', { total_seats: 1e300 }],
    ['rows', { rows: 3 }],
  ])('%s of %j', async (path, wrong) => {
    const answer = await send('POST', '/theaters', { ...theater, ...wrong });
    expect(answer.status).toBe(400);
    expect(answer.body.errors).toContainEqual({ path, message: expect.any(String) });
  });
});

test('PATCH changes the fields that are sent and no others', async () => {
  const before = await insertTheater(catalog.db);
  const path = `/theaters/${String(before.id)}`;
  const changed = await send('PATCH', path, { name: 'Renamed' });
  expect(changed.status).toBe(200);
  expect(changed.body).toEqual({ theater: { ...before, name: 'Renamed' } });
  expect((await send('PATCH', path, theater)).body.theater).toEqual({
    id: before.id,
    ...theater,
    ...unplanned,
  });
});

test.each([{}, { total_seats: 0 }, { time_zone: 'Nowhere' }, { id: 1 }])(
  'rejects the change %j with 400',
  async (wrong) => {
    const { id } = await insertTheater(catalog.db);
    expect((await send('PATCH', `/theaters/${String(id)}`, wrong)).status).toBe(400);
  },
);

test('screenings keep their seats when their theater changes, and new ones have the new number', async () => {
  const { id, theater_id } = await insertScreening(catalog.db, { total_seats: 80 });
  await send('PATCH', `/theaters/${String(theater_id)}`, { total_seats: 10 });
  const read = await catalog.api('GET', `/screenings/${String(id)}`);
  expect(read.body.screening).toMatchObject({ total_seats: 80, available_seats: 80 });
  const { movie_id } = read.body.screening;
  const body = { movie_id, theater_id, starts_at: '2035-06-01T19:30:00Z' };
  expect((await send('POST', '/screenings', body)).body.screening.total_seats).toBe(10);
});

test('deletes a theater; a repeat answers 404', async () => {
  const { id } = await insertTheater(catalog.db);
  const path = `/theaters/${String(id)}`;
  expect((await send('DELETE', path)).status).toBe(204);
  expect((await catalog.api('GET', path)).status).toBe(404);
  expect((await send('DELETE', path)).status).toBe(404);
  expect((await send('PATCH', path, { name: 'x' })).status).toBe(404);
});

test('rejects the deletion of a theater with a cancelled screening with 409', async () => {
  const { theater_id } = await insertScreening(catalog.db, { status: 'cancelled' });
  const answer = await send('DELETE', `/theaters/${String(theater_id)}`);
  expect([answer.status, answer.body.code]).toEqual([409, 'in_use']);
});
