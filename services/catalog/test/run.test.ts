import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

import { insertMovie, insertScreening, insertTheater } from '../testing/builders.ts';
import { untilWaiting } from '../testing/lock-waits.ts';
import { startTestCatalog, type RunningCatalog } from '../testing/running-catalog.ts';

/** Screenings lie within the run of their movie, by the calendar day of their theater. */
let catalog: RunningCatalog;

beforeAll(async () => {
  catalog = await startTestCatalog();
});

afterAll(() => catalog.stop());

const send = (method: string, path: string, body: unknown) =>
  catalog.api(method, path, { token: catalog.admin, body });

const run = { start_date: '2035-03-01', end_date: '2035-03-31' };

const newReferences = async (time_zone: string) => ({
  movie_id: (await insertMovie(catalog.db, run)).id,
  theater_id: (await insertTheater(catalog.db, { time_zone })).id,
});

describe('POST /screenings', () => {
  test.each([
    ['2035-03-01T00:00:00Z', 'UTC', 201],
    ['2035-02-28T23:59:59Z', 'UTC', 409],
    ['2035-03-31T23:59:59Z', 'UTC', 201],
    ['2035-04-01T00:00:00Z', 'UTC', 409],
    ['2035-02-28T15:00:00Z', 'Asia/Tokyo', 201],
    ['2035-03-31T15:00:00Z', 'Asia/Tokyo', 409],
    ['2035-04-01T03:59:00Z', 'America/New_York', 201],
    ['2035-03-01T04:59:00Z', 'America/New_York', 409],
  ])('at %s in %s is answered %d', async (starts_at, zone, status) => {
    const answer = await send('POST', '/screenings', { ...(await newReferences(zone)), starts_at });
    expect(answer.status).toBe(status);
    if (status === 409) {
      expect(answer.body.code).toBe('outside_run');
      expect(answer.body.detail).toContain('from 2035-03-01 to 2035-03-31');
    }
  });
});

const inMarch = async (day: number, zone = 'UTC') => {
  const references = await newReferences(zone);
  const starts_at = new Date(Date.UTC(2035, 2, day, 20));
  return insertScreening(catalog.db, { ...references, starts_at });
};

describe('PATCH /screenings/:id', () => {
  test('rejects a time outside of the run with 409', async () => {
    const { id } = await inMarch(10);
    const answer = await send('PATCH', `/screenings/${String(id)}`, {
      starts_at: '2035-04-02T20:00:00Z',
    });
    expect([answer.status, answer.body.code]).toEqual([409, 'outside_run']);
  });

  test('rejects a theater whose calendar day lies outside of the run with 409', async () => {
    const { id } = await inMarch(31);
    const { id: theater_id } = await insertTheater(catalog.db, { time_zone: 'Asia/Tokyo' });
    const answer = await send('PATCH', `/screenings/${String(id)}`, { theater_id });
    expect([answer.status, answer.body.code]).toEqual([409, 'outside_run']);
  });
});

describe('PATCH /movies/:id', () => {
  test('rejects a run that leaves an upcoming screening outside with 409', async () => {
    const { movie_id } = await inMarch(10);
    for (const change of [{ start_date: '2035-03-11' }, { end_date: '2035-03-09' }]) {
      const answer = await send('PATCH', `/movies/${String(movie_id)}`, change);
      expect([answer.status, answer.body.code]).toEqual([409, 'outside_run']);
      expect(answer.body.detail).toContain('2035-03-10 in UTC');
    }
  });

  test('accepts a run that ends with its last screening', async () => {
    const { movie_id } = await inMarch(10);
    const path = `/movies/${String(movie_id)}`;
    const change = { start_date: '2035-03-10', end_date: '2035-03-10' };
    expect((await send('PATCH', path, change)).body.movie).toMatchObject(change);
  });

  test('takes the day of each theater', async () => {
    const { movie_id } = await inMarch(10, 'Asia/Tokyo');
    const answer = await send('PATCH', `/movies/${String(movie_id)}`, { end_date: '2035-03-10' });
    expect(answer.body.detail).toContain('2035-03-11 in Asia/Tokyo');
  });

  test.each([
    ['past', { starts_at: new Date('2020-01-01T20:00:00Z') }],
    ['cancelled', { status: 'cancelled' as const }],
  ])('ignores %s screenings', async (_what, columns) => {
    const { movie_id } = await insertScreening(catalog.db, columns);
    const change = { start_date: '2090-01-01', end_date: '2090-01-02' };
    expect((await send('PATCH', `/movies/${String(movie_id)}`, change)).status).toBe(200);
  });
});

test('PATCH /theaters/:id rejects a time zone that moves a screening out of the run with 409', async () => {
  const { theater_id } = await inMarch(31);
  const path = `/theaters/${String(theater_id)}`;
  const answer = await send('PATCH', path, { time_zone: 'Asia/Tokyo' });
  expect([answer.status, answer.body.code]).toEqual([409, 'outside_run']);
  expect((await send('PATCH', path, { time_zone: 'Europe/London' })).status).toBe(200);
});

describe('a run that changes while a screening is added', () => {
  const addWhileRunChanges = async () => {
    const { movie_id, theater_id } = await newReferences('UTC');
    const path = `/movies/${String(movie_id)}`;
    const body = { movie_id, theater_id, starts_at: '2035-03-31T20:00:00Z' };
    let added: ReturnType<typeof send> | undefined;
    await catalog.db.transaction(async (tx) => {
      await tx.query(`SELECT FROM movies WHERE id = $1 FOR NO KEY UPDATE`, [movie_id]);
      added = send('POST', '/screenings', body);
      await untilWaiting(catalog.db, 1);
      await tx.query(`UPDATE movies SET end_date = '2035-03-30' WHERE id = $1`, [movie_id]);
    });
    const read = await catalog.api('GET', path);
    return { added: await added, movie: read.body.movie };
  };

  test('makes the screening wait and answers it by the new run', async () => {
    const { added, movie } = await addWhileRunChanges();
    expect(movie.end_date).toBe('2035-03-30');
    expect([added?.status, added?.body.code]).toEqual([409, 'outside_run']);
  });

  test('both at once never leave a screening outside', async () => {
    for (let round = 0; round < 10; round += 1) {
      const { movie_id, theater_id } = await newReferences('UTC');
      const body = { movie_id, theater_id, starts_at: '2035-03-31T20:00:00Z' };
      const [changed, added] = await Promise.all([
        send('PATCH', `/movies/${String(movie_id)}`, { end_date: '2035-03-30' }),
        send('POST', '/screenings', body),
      ]);
      expect([changed.status, added.status].sort()).toEqual([
        changed.status === 200 ? 200 : 201,
        409,
      ]);
    }
  });

  test('control: without a shared lock the screening is read within the old run', async () => {
    const { movie_id } = await newReferences('UTC');
    await catalog.db.transaction(async (tx) => {
      await tx.query('SELECT FROM movies WHERE id = $1 FOR NO KEY UPDATE', [movie_id]);
      await tx.query(`UPDATE movies SET end_date = '2035-03-30' WHERE id = $1`, [movie_id]);
      const rows = await catalog.db.query('SELECT end_date FROM movies WHERE id = $1', [movie_id]);
      expect(rows).toEqual([{ end_date: '2035-03-31' }]);
    });
  });
});
