import { onlyRow, type Queryable } from '@movie-ticketing/kit/database';
import { isExclusionViolation, isForeignKeyViolation } from '@movie-ticketing/kit/sqlstate';
import { Problem } from '@movie-ticketing/kit/problems';

import type { LockedScreening } from './screening-change.ts';
import type {
  NewScreening,
  Screening,
  ScreeningChange,
  ScreeningQuery,
} from './screenings.schema.ts';

type ScreeningRow = {
  id: number;
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

const names = [
  'id',
  'movie_id',
  'theater_id',
  'starts_at',
  'ends_at',
  'price_minor',
  'currency',
  'total_seats',
  'available_seats',
  'status',
];
const columns = names.join(', ');
const ownColumns = names.map((name) => `s.${name}`).join(', ');

const toScreening = (row: ScreeningRow): Screening => ({
  id: row.id,
  movie_id: row.movie_id,
  theater_id: row.theater_id,
  starts_at: row.starts_at.toISOString(),
  ends_at: row.ends_at.toISOString(),
  price: { amount: row.price_minor, currency: row.currency },
  total_seats: row.total_seats,
  available_seats: row.available_seats,
  status: row.status,
});

/** A screening with its place in the list, to the microsecond. */
export type ListedScreening = { screening: Screening; startKey: string };

/** What a new screening refers to, and whether its start is to come by the database's clock. */
export type NewScreeningGround = { has_movie: boolean; has_theater: boolean; is_future: boolean };

const theaterTaken = (cause: unknown): Problem =>
  new Problem('theater_taken', { detail: 'Another screening has the hall at that time.', cause });

/** One row more than `limit` where there is a next page. */
const list =
  (db: Queryable) =>
  async (query: ScreeningQuery): Promise<ListedScreening[]> => {
    const [afterStart, afterId] = query.cursor ?? [];
    const rows = await db.query<ScreeningRow & { start_key: string }>(
      `SELECT ${columns},
           to_char(starts_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS start_key
         FROM screenings
         WHERE ($1::timestamptz IS NULL OR (starts_at, id) > ($1, $2::bigint))
           AND ($3::bigint IS NULL OR movie_id = $3)
           AND ($4::bigint IS NULL OR theater_id = $4)
           AND ($5::timestamptz IS NULL OR starts_at >= $5)
           AND ($6::timestamptz IS NULL OR starts_at < $6)
           AND ($7::text IS NULL OR status = $7)
         ORDER BY starts_at, id LIMIT $8`,
      [
        afterStart,
        afterId,
        query.movie_id,
        query.theater_id,
        query.from,
        query.to,
        query.status,
        query.limit + 1,
      ],
    );
    return rows.map((row) => ({ screening: toScreening(row), startKey: row.start_key }));
  };

const find =
  (db: Queryable) =>
  async (id: number): Promise<Screening | undefined> => {
    const [row] = await db.query<ScreeningRow>(
      `SELECT ${columns} FROM screenings WHERE id = $1`,
      [id],
      'catalog_find_screening',
    );
    return row && toScreening(row);
  };

/**
 * Inserts nothing where the movie or the theater is missing or the start is past: see `ground`.
 * @throws Problem theater_taken; the constraint says so, for a look before the insert would race
 */
const insert =
  (db: Queryable) =>
  async (screening: NewScreening): Promise<Screening | undefined> => {
    try {
      const [row] = await db.query<ScreeningRow>(
        `INSERT INTO screenings (movie_id, theater_id, starts_at, ends_at, price_minor, currency,
             total_seats, available_seats)
           SELECT m.id, t.id, $3::timestamptz,
             $3::timestamptz + make_interval(mins => m.duration_minutes),
             COALESCE($4, m.price_minor), COALESCE($5, m.currency), t.total_seats, t.total_seats
           FROM movies m, theaters t
           WHERE m.id = $1 AND t.id = $2 AND $3::timestamptz > clock_timestamp()
           RETURNING ${columns}`,
        [
          screening.movie_id,
          screening.theater_id,
          screening.starts_at,
          screening.price?.amount,
          screening.price?.currency,
        ],
      );
      return row && toScreening(row);
    } catch (error) {
      if (isExclusionViolation(error)) throw theaterTaken(error);
      // Removed between the look and the insert.
      if (isForeignKeyViolation(error)) {
        throw new Problem('not_found', {
          detail: 'The movie or the theater is gone.',
          cause: error,
        });
      }
      throw error;
    }
  };

const ground =
  (db: Queryable) =>
  async (screening: NewScreening): Promise<NewScreeningGround> => {
    const rows = await db.query<NewScreeningGround>(
      `SELECT EXISTS (SELECT FROM movies WHERE id = $1) AS has_movie,
           EXISTS (SELECT FROM theaters WHERE id = $2) AS has_theater,
           $3::timestamptz > clock_timestamp() AS is_future`,
      [screening.movie_id, screening.theater_id, screening.starts_at],
    );
    return onlyRow(rows);
  };

/**
 * Locks a hall, before anything is put into it or moved within it. Without it, those who meet in the
 * exclusion constraint wait for each other's rows, and Postgres ends all but one as deadlocked.
 */
const lockHall =
  (db: Queryable) =>
  async (theaterId: number): Promise<void> => {
    await db.query('SELECT FROM theaters WHERE id = $1 FOR NO KEY UPDATE', [theaterId]);
  };

/** Waits for the bookings that hold the row; the clock is read once it is ours. */
const lock =
  (db: Queryable) =>
  async (id: number): Promise<LockedScreening | undefined> => {
    const [row] = await db.query<ScreeningRow & { now: Date }>(
      `WITH locked AS MATERIALIZED (
           SELECT ${columns} FROM screenings WHERE id = $1 FOR NO KEY UPDATE
         )
         SELECT ${columns}, clock_timestamp() AS now FROM locked`,
      [id],
    );
    return row && { screening: toScreening(row), now: row.now };
  };

/** @throws Problem theater_taken */
const update =
  (db: Queryable) =>
  async (id: number, change: ScreeningChange): Promise<Screening> => {
    try {
      const rows = await db.query<ScreeningRow>(
        `UPDATE screenings s SET
             starts_at = COALESCE($2, s.starts_at),
             ends_at = COALESCE($2 + make_interval(mins => m.duration_minutes), s.ends_at),
             price_minor = COALESCE($3, s.price_minor),
             currency = COALESCE($4, s.currency),
             status = COALESCE($5, s.status)
           FROM movies m WHERE s.id = $1 AND m.id = s.movie_id
           RETURNING ${ownColumns}`,
        [id, change.starts_at, change.price?.amount, change.price?.currency, change.status],
      );
      return toScreening(onlyRow(rows));
    } catch (error) {
      throw isExclusionViolation(error) ? theaterTaken(error) : error;
    }
  };

/** @throws Problem in_use where anyone has ever booked it */
const remove =
  (db: Queryable) =>
  async (id: number): Promise<boolean> => {
    try {
      const gone = await db.query('DELETE FROM screenings WHERE id = $1 RETURNING id', [id]);
      return gone.length === 1;
    } catch (error) {
      if (!isForeignKeyViolation(error)) throw error;
      throw new Problem('in_use', {
        detail: 'The screening has bookings: cancel it instead.',
        cause: error,
      });
    }
  };

export type ScreeningsRepository = ReturnType<typeof makeScreeningsRepository>;

export const makeScreeningsRepository = (db: Queryable) => ({
  list: list(db),
  find: find(db),
  insert: insert(db),
  ground: ground(db),
  lockHall: lockHall(db),
  lock: lock(db),
  update: update(db),
  remove: remove(db),
});
