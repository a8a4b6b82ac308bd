import { request } from 'node:http';

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

import { insertMovie, insertScreening } from '../testing/builders.ts';
import { startTestCatalog, type RunningCatalog } from '../testing/running-catalog.ts';

let catalog: RunningCatalog;

beforeAll(async () => {
  catalog = await startTestCatalog();
});

afterAll(() => catalog.stop());

const availableSeats = async (id: number): Promise<number> => {
  const answer = await catalog.api('GET', `/screenings/${String(id)}`);
  return answer.body.screening.available_seats;
};

/** Like the bookings service, in another process. */
const sellOne = (id: number) =>
  catalog.db.query('UPDATE screenings SET available_seats = available_seats - 1 WHERE id = $1', [
    id,
  ]);

test('a read that begins a second after another process sold a seat is not stale', async () => {
  const { id } = await insertScreening(catalog.db);
  let sawStale = false;
  for (let left = 99; left >= 90 || !sawStale; left -= 1) {
    await availableSeats(id);
    await sellOne(id);
    const committed = performance.now();
    let began = performance.now();
    while ((await availableSeats(id)) !== left) {
      sawStale = true; // control: reads are cached
      expect(began - committed).toBeLessThan(1_000);
      began = performance.now();
    }
  }
});

test('a read after a write of this process is not stale', async () => {
  const { id } = await insertMovie(catalog.db);
  const path = `/movies/${String(id)}`;
  for (let round = 0; round < 10; round += 1) {
    await Promise.all([catalog.api('GET', path), catalog.api('GET', '/movies?limit=200')]);
    const body = { title: `Round ${String(round)}` };
    await catalog.api('PATCH', path, { token: catalog.admin, body });
    expect((await catalog.api('GET', path)).body.movie).toMatchObject(body);
    const list = await catalog.api('GET', '/movies?limit=200');
    expect(list.body.movies).toContainEqual(expect.objectContaining({ id, ...body }));
  }
});

describe.each(['/movies', '/movies/1', '/theaters', '/screenings', '/screenings/1'])(
  'GET %s',
  (path) => {
    test('sends an ETag and answers 304 without a body while nothing has changed', async () => {
      await insertScreening(catalog.db);
      const read = await catalog.api('GET', path);
      const etag = read.headers.get('etag') ?? '';
      expect(etag).toMatch(/^"[\w-]+"$/);
      expect(read.headers.get('cache-control')).toBe('public, max-age=0, must-revalidate');
      for (const validator of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
        const again = await conditional(path, validator);
        expect(again).toEqual({ status: 304, etag, body: '' });
      }
      const fetched = await catalog.api('GET', path, { headers: { 'If-None-Match': etag } });
      expect(fetched.status).toBe(304);
      expect(await conditional(path, '"other"')).toMatchObject({ status: 200, etag });
    });
  },
);

test('a change of a movie changes its ETag', async () => {
  const { id } = await insertMovie(catalog.db);
  const path = `/movies/${String(id)}`;
  const etag = (await catalog.api('GET', path)).headers.get('etag') ?? '';
  await catalog.api('PATCH', path, { token: catalog.admin, body: { title: 'Changed' } });
  expect(await conditional(path, etag)).toMatchObject({ status: 200 });
});

test('the response to a write must not be cached', async () => {
  const { id } = await insertMovie(catalog.db);
  const answer = await catalog.api('PATCH', `/movies/${String(id)}`, {
    token: catalog.admin,
    body: { title: 'New title' },
  });
  expect(answer.headers.get('cache-control')).toBe('no-store');
});

/** Without fetch, which adds Cache-Control to conditional requests. */
const conditional = (
  path: string,
  validator: string,
): Promise<{ status: number | undefined; etag: string | undefined; body: string }> =>
  new Promise((resolve, reject) => {
    request(new URL(path, catalog.url), { headers: { 'If-None-Match': validator } }, (answer) => {
      let body = '';
      answer.on('data', (chunk: Buffer) => (body += chunk.toString()));
      answer.on('end', () => {
        resolve({ status: answer.statusCode, etag: answer.headers.etag, body });
      });
    })
      .on('error', reject)
      .end();
  });
