import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { makeDatabase, type Database } from '@movie-ticketing/kit/database';
import { silentLogger } from '@movie-ticketing/kit/testing/api';

import { insertMovie, insertScreening, insertTheater } from '../testing/builders.ts';
import { until } from '@movie-ticketing/kit/testing/until';
import { untilWaiting } from '../testing/lock-waits.ts';
import { startTestCatalog, type RunningCatalog } from '../testing/running-catalog.ts';

let catalog: RunningCatalog;
/** The bookings service. */
let bookings: Database;

beforeAll(async () => {
  catalog = await startTestCatalog();
  bookings = makeDatabase({
    url: catalog.databaseUrl,
    role: 'mt_bookings',
    poolSize: 2,
    logger: silentLogger,
    applicationName: 'test-bookings',
  });
});

afterAll(async () => {
  await bookings.close();
  await catalog.stop();
});

const patch = (id: number, body: unknown) =>
  catalog.api('PATCH', `/screenings/${String(id)}`, { token: catalog.admin, body });

const price = { amount: 1, currency: 'USD' };

const sellOne = 'UPDATE screenings SET available_seats = available_seats - 1 WHERE id = $1';

/** Locks a screening's row as a batch of bookings does while `meanwhile` runs, and sells a seat or not. */
const duringBooking = (id: number, sells: boolean, meanwhile: () => Promise<void>) =>
  bookings
    .transaction(async (tx) => {
      await tx.query('SELECT FROM screenings WHERE id = $1 FOR NO KEY UPDATE', [id]);
      await meanwhile();
      if (!sells) throw new Error('no sale');
      await tx.query(sellOne, [id]);
    })
    .catch((error: unknown) => {
      if (sells) throw error;
    });

/** Two movies in one theater at one time, from two admins at once. */
const twoMoviesAtOnce = async (on: RunningCatalog) => {
  const theater_id = (await insertTheater(on.db)).id;
  const movies = [await insertMovie(on.db), await insertMovie(on.db)];
  const other = (await on.signUp('admin')).token;
  return Promise.all(
    movies.map(({ id }, index) =>
      on.api('POST', '/screenings', {
        token: index === 0 ? on.admin : other,
        body: { movie_id: id, theater_id, starts_at: '2035-01-01T20:00:00Z' },
      }),
    ),
  );
};

test('two screenings for one theater and time: one is created, the other answered 409', async () => {
  for (let round = 0; round < 10; round += 1) {
    const answers = await twoMoviesAtOnce(catalog);
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 409]);
    expect(answers.find(({ status }) => status === 409)?.body.code).toBe('theater_taken');
  }
}, 300_000);

test('control: without the constraint one theater shows two movies at once', async () => {
  const unguarded = await startTestCatalog();
  await unguarded.db.query('ALTER TABLE screenings DROP CONSTRAINT screenings_theater_taken');
  const answers = await twoMoviesAtOnce(unguarded);
  expect(answers.map(({ status }) => status)).toEqual([201, 201]);
  await unguarded.stop();
});

test('two screenings that are moved to one time at once: one moves', async () => {
  for (let round = 0; round < 5; round += 1) {
    const one = await insertScreening(catalog.db);
    const { theater_id } = one;
    const starts_at = new Date(one.ends_at.getTime() + 86_400_000);
    const two = await insertScreening(catalog.db, { theater_id, starts_at });
    const body = { starts_at: '2036-01-01T20:00:00Z' };
    const answers = await Promise.all([patch(one.id, body), patch(two.id, body)]);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409]);
  }
}, 300_000);

test.each([
  [{ price }, true, 409],
  [{ price }, false, 200],
  [{ starts_at: '2036-05-05T20:00:00Z' }, true, 409],
  [{ starts_at: '2036-05-05T20:00:00Z' }, false, 200],
  [{ status: 'cancelled' }, true, 200],
])(
  '%j waits for a booking in progress (sells: %j) and is answered %d',
  async (body, sells, status) => {
    const { id } = await insertScreening(catalog.db);
    let answer: ReturnType<typeof patch> | undefined;
    await duringBooking(id, sells, async () => {
      answer = patch(id, body);
      await untilWaiting(catalog.db, 1);
    });
    const { status: got, body: said } = (await answer) ?? {};
    expect(got).toBe(status);
    if (status === 409) expect(said.code).toBe('has_live_bookings');
    else expect(said.screening).toMatchObject(sells ? { available_seats: 99 } : {});
  },
);

test('control: without the row lock a price changes under a live booking', async () => {
  const { id } = await insertScreening(catalog.db);
  const [before] = await catalog.db.query<{ free: boolean }>(
    'SELECT available_seats = total_seats AS free FROM screenings WHERE id = $1',
    [id],
  );
  await bookings.query(sellOne, [id]);
  expect(before?.free).toBe(true);
  await catalog.db.query('UPDATE screenings SET price_minor = 1 WHERE id = $1', [id]);
  const [after] = await catalog.db.query(
    'SELECT price_minor, available_seats FROM screenings WHERE id = $1',
    [id],
  );
  expect(after).toEqual({ price_minor: 1, available_seats: 99 });
});

/** Waits for the start of the screening by the database's clock. */
const untilBegun = (id: number) =>
  until(async () => {
    const begun = await catalog.db.query(
      'SELECT FROM screenings WHERE id = $1 AND starts_at <= clock_timestamp()',
      [id],
    );
    return begun.length === 1;
  });

/** Sends a request while a booking holds the row of a screening that starts before the lock is released. */
const askAcrossTheStart = async <T>(ask: (id: number) => Promise<T>): Promise<T | undefined> => {
  const { id } = await insertScreening(catalog.db, { starts_at: new Date(Date.now() + 1_000) });
  let answer: Promise<T> | undefined;
  await duringBooking(id, false, async () => {
    answer = ask(id);
    await untilWaiting(catalog.db, 1);
    await untilBegun(id);
  });
  return answer;
};

test('rejects a change that waited past the start with 409', async () => {
  const { status, body } = (await askAcrossTheStart((id) => patch(id, { price }))) ?? {};
  expect([status, body.code]).toEqual([409, 'screening_started']);
});

test('control: a clock that is read with the lock shows a screening that has not started', async () => {
  // Repeated where a slow machine sent the request after the start.
  await until(async () => {
    const rows = await askAcrossTheStart((id) =>
      catalog.db.query<{ begun: boolean }>(
        'SELECT starts_at <= clock_timestamp() AS begun FROM screenings WHERE id = $1 FOR NO KEY UPDATE',
        [id],
      ),
    );
    return rows?.[0]?.begun === false;
  });
});

test('answers 503 with Retry-After where a row stays locked', async () => {
  const { id } = await insertScreening(catalog.db);
  await duringBooking(id, false, async () => {
    const answer = await patch(id, { price });
    expect([answer.status, answer.body.code]).toEqual([503, 'overloaded']);
    expect(answer.headers.get('retry-after')).toBe('1');
  });
});

test('the deletion of a movie and the creation of its screening never both succeed', async () => {
  for (let round = 0; round < 10; round += 1) {
    const movie_id = (await insertMovie(catalog.db)).id;
    const theater_id = (await insertTheater(catalog.db)).id;
    const token = catalog.admin;
    const body = { movie_id, theater_id, starts_at: '2035-01-01T20:00:00Z' };
    const [removed, added] = await Promise.all([
      catalog.api('DELETE', `/movies/${String(movie_id)}`, { token }),
      catalog.api('POST', '/screenings', { token, body }),
    ]);
    const pair = [removed.status, added.status];
    expect([
      [204, 404],
      [409, 201],
    ]).toContainEqual(pair);
  }
});
