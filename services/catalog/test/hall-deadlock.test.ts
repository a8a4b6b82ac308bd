import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { makeDatabase, type Database, type Queryable } from '@movie-ticketing/kit/database';
import { codeOf } from '@movie-ticketing/kit/sqlstate';
import { silentLogger } from '@movie-ticketing/kit/testing/api';

import { insertMovie, insertTheater } from '../testing/builders.ts';
import { untilWaiting } from '../testing/lock-waits.ts';
import { startTestCatalog, type RunningCatalog } from '../testing/running-catalog.ts';

/**
 * Whoever puts a screening into a hall writes its row first and asks the exclusion constraint then. Of
 * several who wait for one that is rolled back, each then finds the others' rows and waits for them:
 * Postgres ends all but one as deadlocked, a second each.
 */
let catalog: RunningCatalog;
let others: Database;
beforeAll(async () => {
  catalog = await startTestCatalog();
  others = makeDatabase({
    url: catalog.databaseUrl,
    poolSize: 4,
    logger: silentLogger,
    applicationName: 'test-others',
  });
});
afterAll(async () => {
  await others.close();
  await catalog.stop();
});

const startsAt = '2040-01-01T20:00:00Z';

const insert = (db: Queryable, movie: number, theater: number) =>
  db.query(
    `INSERT INTO screenings (movie_id, theater_id, starts_at, ends_at, price_minor, currency,
       total_seats, available_seats)
     VALUES ($1, $2, $3, $3::timestamptz + interval '2 hours', 1, 'USD', 1, 1)`,
    [movie, theater, startsAt],
  );

const deadlocks = async (): Promise<number> => {
  // What a backend counted is shown once it has told so: at the latest when it is done.
  await catalog.db.query('SELECT pg_stat_force_next_flush(), pg_stat_clear_snapshot()');
  const [row] = await catalog.db.query<{ deadlocks: number }>(
    'SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()',
  );
  return row?.deadlocks ?? Number.NaN;
};

/** Puts a screening into the hall, lets `others` come and wait, then takes it back. */
const whileTaken = async <T>(
  movie: number,
  theater: number,
  howMany: number,
  come: () => Promise<T>,
): Promise<T> => {
  let coming: Promise<T> | undefined;
  await others
    .attempt(async (tx) => {
      await tx.query('SELECT FROM theaters WHERE id = $1 FOR NO KEY UPDATE', [theater]);
      await insert(tx, movie, theater);
      coming = come();
      await untilWaiting(catalog.db, howMany);
      throw new Error('taken back');
    })
    .catch(() => undefined);
  if (coming === undefined) throw new Error('nobody came');
  return coming;
};

test('when two wait for a hall without its lock (control), then Postgres ends one as deadlocked', async () => {
  const { id: movie } = await insertMovie(catalog.db);
  const { id: theater } = await insertTheater(catalog.db);
  const outcomes = await whileTaken(movie, theater, 2, () =>
    Promise.allSettled([insert(others, movie, theater), insert(others, movie, theater)]),
  );
  const codes = outcomes.flatMap((it) =>
    it.status === 'rejected' ? [codeOf((it.reason as Error).cause)] : [],
  );
  expect(codes).toEqual(['40P01']);
});

test.each([
  ['without a key', undefined, [201, 409, 409]],
  ['with one key', 'the-same', [201, 201, 201]],
])(
  'when three wait for a hall %s, then one gets it and nobody is deadlocked',
  async (_how, key, statuses) => {
    const { id: movie_id } = await insertMovie(catalog.db);
    const { id: theater_id } = await insertTheater(catalog.db);
    const before = await deadlocks();
    const body = { movie_id, theater_id, starts_at: startsAt };
    const create = () => catalog.api('POST', '/screenings', { token: catalog.admin, body, key });
    const answers = await whileTaken(movie_id, theater_id, 3, () =>
      Promise.all([create(), create(), create()]),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual(statuses);
    expect(await deadlocks()).toBe(before);
  },
);
