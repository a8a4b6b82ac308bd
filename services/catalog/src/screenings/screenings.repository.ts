import { onlyRow, type Queryable } from '@movie-ticketing/kit/database';
import { isExclusionViolation, isForeignKeyViolation } from '@movie-ticketing/kit/sqlstate';
import { Problem } from '@movie-ticketing/kit/problems';
import {
  allOf,
  insertStatement,
  makeParameters,
  updateStatement,
  type ColumnValues,
} from '@movie-ticketing/kit/statements';

import type { UpcomingScreenings } from '../movies/run.ts';
import type { Screening, ScreeningQuery } from './screenings.schema.ts';

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
  status: Screening['status'];
  seat_plan_id: number | null;
  price_card_id: number | null;
  blocked_seats: number;
};

const columns =
  'id, movie_id, theater_id, starts_at, ends_at, price_minor, currency, total_seats, available_seats, status, ' +
  'seat_plan_id, price_card_id, coalesce(bit_count(blocked), 0)::int AS blocked_seats';

const toScreening = (row: ScreeningRow): Screening => ({
  id: row.id,
  movieId: row.movie_id,
  theaterId: row.theater_id,
  startsAt: row.starts_at,
  endsAt: row.ends_at,
  price: { amount: row.price_minor, currency: row.currency },
  totalSeats: row.total_seats,
  availableSeats: row.available_seats,
  status: row.status,
  seatPlanId: row.seat_plan_id,
  priceCardId: row.price_card_id,
  blockedSeats: row.blocked_seats,
});

/** A screening to write. Its seat map is written with its plan. */
export type ScreeningUpdate = Partial<Screening> & {
  seatMap?: { taken: string | null; blocked: string | null } | undefined;
  seatsVersion?: number;
};

const toColumns = (screening: ScreeningUpdate): ColumnValues => ({
  movie_id: screening.movieId,
  theater_id: screening.theaterId,
  starts_at: screening.startsAt,
  ends_at: screening.endsAt,
  price_minor: screening.price?.amount,
  currency: screening.price?.currency,
  total_seats: screening.totalSeats,
  available_seats: screening.availableSeats,
  status: screening.status,
  seat_plan_id: screening.seatPlanId,
  price_card_id: screening.priceCardId,
  taken: screening.seatMap?.taken,
  blocked: screening.seatMap?.blocked,
  seats_version: screening.seatsVersion,
});

/** A screening with its sort key in the list, to the microsecond. */
export type ListedScreening = { screening: Screening; startKey: string };

/** One row more than `limit` where there is a next page. */
const list =
  (db: Queryable) =>
  async (query: ScreeningQuery): Promise<ListedScreening[]> => {
    const { values, add } = makeParameters();
    const { cursor, movie_id, theater_id, from, to, status, limit } = query;
    const conditions = allOf([
      cursor !== undefined &&
        `(starts_at, id) > (${add(cursor[0])}::timestamptz, ${add(cursor[1])}::bigint)`,
      movie_id !== undefined && `movie_id = ${add(movie_id)}`,
      theater_id !== undefined && `theater_id = ${add(theater_id)}`,
      from !== undefined && `starts_at >= ${add(from)}`,
      to !== undefined && `starts_at < ${add(to)}`,
      status !== undefined && `status = ${add(status)}`,
    ]);
    const rows = await db.query<ScreeningRow & { start_key: string }>(
      `SELECT ${columns},
           to_char(starts_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS start_key
         FROM screenings WHERE ${conditions} ORDER BY starts_at, id LIMIT ${add(limit + 1)}`,
      values,
    );
    return rows.map((row) => ({ screening: toScreening(row), startKey: row.start_key }));
  };

const find =
  (db: Queryable) =>
  async (id: number): Promise<Screening | undefined> => {
    const [row] = await db.query<ScreeningRow>(
      `SELECT ${columns} FROM screenings WHERE id = $1`,
      [id],
      'catalog.screenings.find',
    );
    return row && toScreening(row);
  };

/** Waits for the bookings that hold the row. */
const lock =
  (db: Queryable) =>
  async (id: number): Promise<Screening | undefined> => {
    const [row] = await db.query<ScreeningRow>(
      `SELECT ${columns} FROM screenings WHERE id = $1 FOR NO KEY UPDATE`,
      [id],
    );
    return row && toScreening(row);
  };

/** The clock of the database. Read after a lock, in a statement of its own. */
const now = (db: Queryable) => async (): Promise<Date> =>
  onlyRow(await db.query<{ now: Date }>('SELECT clock_timestamp() AS now')).now;

/** Scheduled and not yet started. */
const isUpcoming = `status = 'scheduled' AND starts_at > clock_timestamp()`;

type UpcomingRow = {
  start_date: string;
  end_date: string;
  time_zone: string;
  first_starts_at: Date;
  last_starts_at: Date;
};

/** The upcoming screenings of a movie or of a theater, by movie and theater. */
const upcomingOf =
  (db: Queryable) =>
  async (column: 'movie_id' | 'theater_id', id: number): Promise<UpcomingScreenings[]> => {
    const rows = await db.query<UpcomingRow>(
      `SELECT m.start_date, m.end_date, t.time_zone, s.first_starts_at, s.last_starts_at
         FROM (SELECT movie_id, theater_id, min(starts_at) AS first_starts_at,
                      max(starts_at) AS last_starts_at
                 FROM screenings WHERE ${column} = $1 AND ${isUpcoming}
                GROUP BY movie_id, theater_id) s
         JOIN movies m ON m.id = s.movie_id
         JOIN theaters t ON t.id = s.theater_id
        ORDER BY s.first_starts_at`,
      [id],
    );
    return rows.map((row) => ({
      run: { startDate: row.start_date, endDate: row.end_date },
      timeZone: row.time_zone,
      firstStartsAt: row.first_starts_at,
      lastStartsAt: row.last_starts_at,
    }));
  };

/** Until it ends, the theaters of the movie's upcoming screenings do not change. */
const lockTheatersOfMovie =
  (db: Queryable) =>
  async (movieId: number): Promise<void> => {
    await db.query(
      `SELECT FROM theaters
        WHERE id IN (SELECT theater_id FROM screenings WHERE movie_id = $1 AND ${isUpcoming})
        ORDER BY id FOR SHARE`,
      [movieId],
    );
  };

const writtenRow = async (
  db: Queryable,
  { text, values }: { text: string; values: unknown[] },
): Promise<Screening> => {
  try {
    return toScreening(onlyRow(await db.query<ScreeningRow>(text, values)));
  } catch (error) {
    // The movie, the theater and its seat plan are locked.
    if (isForeignKeyViolation(error)) {
      throw new Problem('not_found', { detail: 'Price card not found.', cause: error });
    }
    if (!isExclusionViolation(error)) throw error;
    throw new Problem('theater_taken', {
      detail: 'Another screening takes place in the theater at that time.',
      cause: error,
    });
  }
};

/** @throws Problem theater_taken: the constraint decides, because a check before the insert would race */
const insert = (db: Queryable) => (screening: Omit<ScreeningUpdate, 'id'>) =>
  writtenRow(db, insertStatement('screenings', toColumns(screening), columns));

/** @throws Problem theater_taken */
const update = (db: Queryable) => (id: number, changes: ScreeningUpdate) =>
  writtenRow(db, updateStatement('screenings', toColumns(changes), { id }, columns));

/** @throws Problem in_use where it was ever booked */
const remove =
  (db: Queryable) =>
  async (id: number): Promise<void> => {
    try {
      await db.query('DELETE FROM screenings WHERE id = $1', [id]);
    } catch (error) {
      if (!isForeignKeyViolation(error)) throw error;
      throw new Problem('in_use', {
        detail: 'The screening has bookings. Cancel it instead.',
        cause: error,
      });
    }
  };

export type ScreeningsRepository = ReturnType<typeof makeScreeningsRepository>;

export const makeScreeningsRepository = (db: Queryable) => ({
  list: list(db),
  find: find(db),
  lock: lock(db),
  now: now(db),
  upcomingOf: upcomingOf(db),
  lockTheatersOfMovie: lockTheatersOfMovie(db),
  insert: insert(db),
  update: update(db),
  remove: remove(db),
});
