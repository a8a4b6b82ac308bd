import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { makeDatabase, type Database, type Queryable } from '@movie-ticketing/kit/database';
import { codeOf } from '@movie-ticketing/kit/sqlstate';
import { silentLogger } from '@movie-ticketing/kit/testing/api';

import { insertMovie, insertTheater } from '../testing/builders.ts';
import { untilWaiting } from '../testing/lock-waits.ts';
import { startTestCatalog, type RunningCatalog } from '../testing/running-catalog.ts';

/**
 * PostgreSQL inserts a screening's row first and checks the exclusion constraint then. If several inserts
 * wait for one that is rolled back, each then finds the rows of the others and waits for them: a deadlock.
 * PostgreSQL aborts all but one, after a second each. The lock on the theater prevents it.
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
  // Statistics of a backend are visible once it has flushed them.
  await catalog.db.query('SELECT pg_stat_force_next_flush(), pg_stat_clear_snapshot()');
  const [row] = await catalog.db.query<{ deadlocks: number }>(
    'SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()',
  );
  return row?.deadlocks ?? Number.NaN;
};

/** Inserts a screening, starts `startOthers`, waits until they wait for it, then rolls it back. */
const whileOccupied = async <T>(
  movie: number,
  theater: number,
  count: number,
  startOthers: () => Promise<T>,
): Promise<T> => {
  let waiting: Promise<T> | undefined;
  await others
    .attempt(async (tx) => {
      await tx.query('SELECT FROM theaters WHERE id = $1 FOR NO KEY UPDATE', [theater]);
      await insert(tx, movie, theater);
      waiting = startOthers();
      await untilWaiting(catalog.db, count);
      throw new Error('roll back');
    })
    .catch(() => undefined);
  if (waiting === undefined) throw new Error('the others were not started');
  return waiting;
};

test('control: two inserts without the lock on the theater deadlock', async () => {
  const { id: movie } = await insertMovie(catalog.db);
  const { id: theater } = await insertTheater(catalog.db);
  const outcomes = await whileOccupied(movie, theater, 2, () =>
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
  'three requests for one theater and time %s: one screening and no deadlock',
  async (_how, key, statuses) => {
    const { id: movie_id } = await insertMovie(catalog.db);
    const { id: theater_id } = await insertTheater(catalog.db);
    const before = await deadlocks();
    const body = { movie_id, theater_id, starts_at: startsAt };
    const create = () => catalog.api('POST', '/screenings', { token: catalog.admin, body, key });
    const answers = await whileOccupied(movie_id, theater_id, 3, () =>
      Promise.all([create(), create(), create()]),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual(statuses);
    expect(await deadlocks()).toBe(before);
  },
);
