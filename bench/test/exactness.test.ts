import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { makeDatabase, type Database } from '@movie-ticketing/kit/database';
import { silentLogger } from '@movie-ticketing/kit/testing/api';
import { createTestDatabase, type TestDatabase } from '@movie-ticketing/kit/testing/database';

import { insertScreening, insertUser } from '../../services/catalog/testing/builders.ts';
import { resetBookings } from '../src/bench-data.ts';
import { countSeats, findFault } from '../src/exactness.ts';

let database: TestDatabase;
let db: Database;
let screenings: number[];
let userId: number;

beforeAll(async () => {
  database = await createTestDatabase();
  db = makeDatabase({
    url: database.url,
    poolSize: 2,
    logger: silentLogger,
    applicationName: 'test',
  });
  screenings = [(await insertScreening(db)).id, (await insertScreening(db)).id];
  userId = (await insertUser(db)).id;
});

afterAll(async () => {
  await db.close();
  await database.drop();
});

beforeEach(() => resetBookings(db));

let made = 0;
const book = async (options: {
  tickets: number;
  taken: number;
  status?: string;
}): Promise<void> => {
  made += 1;
  await db.query(
    `INSERT INTO bookings (reference, user_id, screening_id, num_tickets, status, total_minor, currency, created_at, expires_at)
     VALUES ($1, $2, $3, $4, $5, 1500, 'USD', now(), now())`,
    [
      `BENCH${String(made).padStart(7, '0')}`,
      userId,
      screenings[0],
      options.tickets,
      options.status ?? 'pending',
    ],
  );
  await db.query('UPDATE screenings SET available_seats = available_seats - $2 WHERE id = $1', [
    screenings[0],
    options.taken,
  ]);
};

const noAnswers = { good: 0, uncertain: 0, keyed: false };

test('finds nothing where the seats add up', async () => {
  await book({ tickets: 2, taken: 2 });
  await book({ tickets: 3, taken: 0, status: 'cancelled' });
  const count = await countSeats(db, screenings);
  expect(count).toEqual({ wrong: 0, bookings: 2, keys: 0 });
  expect(findFault(count, { ...noAnswers, good: 2 })).toBeUndefined();
});

test('finds a screening with a seat that was sold twice', async () => {
  await book({ tickets: 2, taken: 1 });
  const count = await countSeats(db, screenings);
  expect(count.wrong).toBe(1);
  expect(findFault(count, { ...noAnswers, good: 1 })).toMatch(/do not add up/);
});

test('reports a missing booking and an unrequested one', () => {
  const count = { wrong: 0, bookings: 10, keys: 10 };
  expect(findFault(count, { ...noAnswers, good: 11 })).toMatch(/11 answers.*10 bookings/);
  expect(findFault(count, { good: 8, uncertain: 2, keyed: true })).toBeUndefined();
  expect(findFault(count, { good: 8, uncertain: 1, keyed: false })).toMatch(/10 bookings for 8/);
  expect(findFault({ ...count, keys: 9 }, { ...noAnswers, good: 10, keyed: true })).toMatch(/keys/);
});

test('a cell begins without bookings and with all seats available', async () => {
  await book({ tickets: 2, taken: 2 });
  await resetBookings(db);
  expect(await countSeats(db, screenings)).toEqual({ wrong: 0, bookings: 0, keys: 0 });
  const [row] = await db.query<{ taken: number }>(
    'SELECT sum(total_seats - available_seats)::int AS taken FROM screenings',
  );
  expect(row?.taken).toBe(0);
});
