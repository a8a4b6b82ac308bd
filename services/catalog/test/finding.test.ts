import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

import { insertMovie, insertScreening, insertTheater } from '../testing/builders.ts';
import { startTestCatalog, type RunningCatalog } from '../testing/running-catalog.ts';

let catalog: RunningCatalog;
let shownOften: number;
let largeTheater: number;

const titlesOfMay = [
  '100% Wolf',
  'Snake_Eyes',
  'Back\\slash',
  'ÉTÉ 85',
  'Snakes',
  '100 Wolves',
  'Οδός Αγάπης',
  'Große Freiheit',
  'Ame\u0301lie',
  'Łódź',
];

const noon = Date.parse('2031-01-01T12:00:00Z');
const hourMs = 3_600_000;

beforeAll(async () => {
  catalog = await startTestCatalog();
  const { db } = catalog;
  for (const title of titlesOfMay) {
    await insertMovie(db, { title, start_date: '2030-05-01', end_date: '2030-05-31' });
  }
  shownOften = (await insertMovie(db, { title: 'Shown often' })).id;
  largeTheater = (await insertTheater(db, { name: 'Large' })).id;
  const one = { theater_id: largeTheater, ends_at: new Date(noon + hourMs) };
  await insertScreening(db, { ...one, starts_at: new Date(noon) });
  await insertScreening(db, { ...one, starts_at: new Date(noon), status: 'cancelled' });
  for (const offset of [-1, 0, 0, 1, 2]) {
    const starts_at = new Date(noon + offset * hourMs);
    await insertScreening(db, { movie_id: shownOften, starts_at });
  }
});

afterAll(() => catalog.stop());

const titles = async (query: string): Promise<string[]> => {
  const answer = await catalog.api('GET', `/movies?${query}`);
  expect(answer.status).toBe(200);
  return answer.body.movies.map(({ title }: { title: string }) => title);
};

describe('q finds plain text without case and accents', () => {
  test.each([
    ['100%25', ['100% Wolf']],
    ['_', ['Snake_Eyes']],
    ['%5C', ['Back\\slash']],
    ['sNAKE', ['Snake_Eyes', 'Snakes']],
    ['%C3%A9t%C3%A9', ['ÉTÉ 85']],
    ['ete', ['ÉTÉ 85']],
    [encodeURIComponent('ΟΔΟΣ ΑΓΑΠΗΣ'), ['Οδός Αγάπης']],
    [encodeURIComponent('οδος'), ['Οδός Αγάπης']],
    ['GROSSE%20FREIHEIT', ['Große Freiheit']],
    [encodeURIComponent('große  FREI'), ['Große Freiheit']],
    [encodeURIComponent('Am\u00e9lie'), ['Ame\u0301lie']],
    [encodeURIComponent('AME\u0301LIE'), ['Ame\u0301lie']],
    ['lodz', ['Łódź']],
    ['%20snakes%20', ['Snakes']],
    ['wolf%27;--', []],
    ['100', ['100% Wolf', '100 Wolves']],
  ])('%s', async (q, expected) => {
    expect(await titles(`q=${q}`)).toEqual(expected);
  });
});

describe('showing_on finds the movies whose run has the day', () => {
  test.each([
    ['2030-04-30', false],
    ['2030-05-01', true],
    ['2030-05-31', true],
    ['2030-06-01', false],
  ])('%s: %s', async (day, isFound) => {
    expect((await titles(`showing_on=${day}`)).includes('Snakes')).toBe(isFound);
  });

  test('together with a title', async () => {
    expect(await titles('showing_on=2030-05-10&q=snakes')).toEqual(['Snakes']);
    expect(await titles('showing_on=2029-05-10&q=snakes')).toEqual([]);
  });
});

const starts = async (query: string): Promise<number[]> => {
  const answer = await catalog.api('GET', `/screenings?${query}`);
  expect(answer.status).toBe(200);
  return answer.body.screenings.map(
    ({ starts_at }: { starts_at: string }) => (Date.parse(starts_at) - noon) / hourMs,
  );
};

describe('screenings are found by each filter, sorted by time', () => {
  const at = (hours: number): string => new Date(noon + hours * hourMs).toISOString();
  test.each([
    ['a movie', () => `movie_id=${String(shownOften)}`, [-1, 0, 0, 1, 2]],
    ['a theater', () => `theater_id=${String(largeTheater)}`, [0, 0]],
    ['from, inclusive', () => `from=${at(1)}`, [1, 2]],
    ['to, exclusive', () => `to=${at(0)}`, [-1]],
    ['from and to', () => `from=${at(0)}&to=${at(2)}`, [0, 0, 0, 0, 1]],
    ['from in lower case', () => `from=${at(1).toLowerCase()}`, [1, 2]],
    ['from with an offset', () => `from=${at(1).replace('Z', '%2B00:00')}`, [1, 2]],
    ['from equal to to', () => `from=${at(0)}&to=${at(0)}`, []],
    ['cancelled', () => 'status=cancelled', [0]],
    ['scheduled in a theater', () => `theater_id=${String(largeTheater)}&status=scheduled`, [0]],
    [
      'a movie in a theater',
      () => `theater_id=${String(largeTheater)}&movie_id=${String(shownOften)}`,
      [],
    ],
    ['an unknown movie', () => 'movie_id=999999', []],
  ])('%s', async (_what, query, expected) => {
    expect(await starts(query())).toEqual(expected);
  });
});

describe('rejects an invalid query with 400 and names the parameter', () => {
  test.each([
    ['movies', 'limit=0', 'limit'],
    ['movies', 'limit=201', 'limit'],
    ['movies', 'limit=x', 'limit'],
    ['movies', 'limit=1&limit=2', 'limit'],
    ['movies', 'cursor=', 'cursor'],
    ['movies', 'cursor=nonsense', 'cursor'],
    ['movies', `cursor=${Buffer.from('["x"]').toString('base64url')}`, 'cursor'],
    ['movies', 'q=%00', 'q'],
    ['movies', 'showing_on=today', 'showing_on'],
    ['movies', 'showing_on=0000-01-01', 'showing_on'],
    ['movies', 'sort=title', 'sort'],
    ['movies', '__proto__=1', '__proto__'],
    ['theaters', 'q=x', 'q'],
    ['theaters', `cursor=${Buffer.from('[9e99]').toString('base64url')}`, 'cursor'],
    ['screenings', 'movie_id=0', 'movie_id'],
    ['screenings', 'theater_id=x', 'theater_id'],
    ['screenings', 'status=sold', 'status'],
    ['screenings', 'from=2030-01-01', 'from'],
    ['screenings', 'from=2030-01-02T00:00:00Z&to=2030-01-01T00:00:00Z', 'from'],
    ['screenings', `cursor=${Buffer.from('[5]').toString('base64url')}`, 'cursor'],
    [
      'screenings',
      `cursor=${Buffer.from('["0000-01-01T00:00:00.000000Z",1]').toString('base64url')}`,
      'cursor',
    ],
    ['movies/1', 'verbose=1', 'verbose'],
  ])('/%s?%s', async (things, query, path) => {
    const answer = await catalog.api('GET', `/${things}?${query}`);
    expect([answer.status, answer.body.code]).toEqual([400, 'invalid_request']);
    expect(answer.body.errors[0].path).toBe(path);
  });
});
