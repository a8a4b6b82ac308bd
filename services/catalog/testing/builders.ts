import type { Queryable } from '@movie-ticketing/kit/database';
import { foldText } from '@movie-ticketing/kit/text-folding';

/**
 * Rows for tests, inserted by the owner of the tables without the rules of the service (a screening that started
 * yesterday, for instance). Every column has a plain value; a test overrides the columns it is about.
 */

let made = 0;
const next = (): number => (made += 1);

const insert = async <Row>(
  db: Queryable,
  table: string,
  columns: Record<string, unknown>,
): Promise<Row> => {
  const names = Object.keys(columns);
  const [row] = await db.query<Row>(
    `INSERT INTO ${table} (${names.join(', ')})
     VALUES (${names.map((_name, index) => `$${String(index + 1)}`).join(', ')})
     RETURNING *`,
    Object.values(columns),
  );
  if (row === undefined) throw new Error(`nothing was inserted into ${table}`);
  return row;
};

export type MovieColumns = {
  title: string;
  description: string;
  duration_minutes: number;
  price_minor: number;
  currency: string;
  start_date: string;
  end_date: string;
};

export const insertMovie = (
  db: Queryable,
  overrides: Partial<MovieColumns> = {},
): Promise<MovieColumns & { id: number }> => {
  const title = overrides.title ?? `Movie ${String(next())}`;
  return insert(db, 'movies', {
    title,
    title_folded: foldText(title),
    description: '',
    duration_minutes: 120,
    price_minor: 1_500,
    currency: 'USD',
    start_date: '2000-01-01',
    end_date: '2099-12-31',
    ...overrides,
  });
};

export type TheaterColumns = {
  name: string;
  location: string;
  time_zone: string;
  total_seats: number;
};

export const insertTheater = (
  db: Queryable,
  overrides: Partial<TheaterColumns> = {},
): Promise<TheaterColumns & { id: number }> =>
  insert(db, 'theaters', {
    name: `Theater ${String(next())}`,
    location: 'London',
    time_zone: 'Europe/London',
    total_seats: 100,
    ...overrides,
  });

export type ScreeningColumns = {
  movie_id: number;
  theater_id: number;
  starts_at: Date;
  ends_at: Date;
  price_minor: number;
  currency: string;
  total_seats: number;
  available_seats: number;
  status: 'scheduled' | 'cancelled';
};

const hourMs = 3_600_000;

/**
 * A screening that starts in 24 hours and lasts two, with its own movie and theater by default, so that no two
 * screenings overlap in one theater. All its seats are free by default; with fewer `available_seats`, add
 * the bookings that hold the others, or invariant 1 is broken.
 */
export const insertScreening = async (
  db: Queryable,
  overrides: Partial<ScreeningColumns> = {},
): Promise<ScreeningColumns & { id: number }> => {
  const startsAt = overrides.starts_at ?? new Date(Date.now() + 24 * hourMs);
  const seats = overrides.total_seats ?? 100;
  return insert(db, 'screenings', {
    movie_id: overrides.movie_id ?? (await insertMovie(db)).id,
    theater_id: overrides.theater_id ?? (await insertTheater(db, { total_seats: seats })).id,
    starts_at: startsAt,
    ends_at: new Date(startsAt.getTime() + 2 * hourMs),
    price_minor: 1_500,
    currency: 'USD',
    total_seats: seats,
    available_seats: seats,
    ...overrides,
  });
};

export type UserColumns = {
  email: string | null;
  password_hash: string | null;
  role: 'customer' | 'staff' | 'admin';
  deleted_at: Date | null;
};

/** A user without a usable password. `deleted_at` makes it a deleted user. */
export const insertUser = (
  db: Queryable,
  overrides: Partial<UserColumns> = {},
): Promise<UserColumns & { id: number }> => {
  const isDeleted = overrides.deleted_at !== undefined && overrides.deleted_at !== null;
  const email = isDeleted ? null : (overrides.email ?? `user${String(next())}@example.com`);
  return insert(db, 'users', {
    email,
    canonical_email: email,
    password_hash: isDeleted ? null : '!',
    role: 'customer',
    ...overrides,
  });
};
