import { onlyRow, type Queryable } from '@movie-ticketing/kit/database';
import { isCheckViolation, isForeignKeyViolation } from '@movie-ticketing/kit/sqlstate';
import { invalid, Problem } from '@movie-ticketing/kit/problems';

import type { Movie, MovieChange, MovieQuery, NewMovie } from './movies.schema.ts';

type MovieRow = {
  id: number;
  title: string;
  description: string;
  duration_minutes: number;
  price_minor: number;
  currency: string;
  start_date: string;
  end_date: string;
};

const columns =
  'id, title, description, duration_minutes, price_minor, currency, start_date, end_date';

const toMovie = ({ price_minor, currency, start_date, end_date, ...row }: MovieRow): Movie => ({
  ...row,
  price: { amount: price_minor, currency },
  start_date,
  end_date,
});

/** One row more than `limit` where there is a next page. */
const list =
  (db: Queryable) =>
  async ({ limit, cursor, q, showing_on }: MovieQuery): Promise<Movie[]> => {
    // strpos, unlike LIKE, knows no metacharacters.
    const rows = await db.query<MovieRow>(
      `SELECT ${columns} FROM movies
         WHERE id > $1
           AND ($2::text IS NULL OR strpos(lower(title), lower($2)) > 0)
           AND ($3::date IS NULL OR $3 BETWEEN start_date AND end_date)
         ORDER BY id LIMIT $4`,
      [cursor?.[0] ?? 0, q ?? null, showing_on ?? null, limit + 1],
    );
    return rows.map(toMovie);
  };

const find =
  (db: Queryable) =>
  async (id: number): Promise<Movie | undefined> => {
    const [row] = await db.query<MovieRow>(
      `SELECT ${columns} FROM movies WHERE id = $1`,
      [id],
      'catalog_find_movie',
    );
    return row && toMovie(row);
  };

const insert =
  (db: Queryable) =>
  async (movie: NewMovie): Promise<Movie> => {
    const rows = await db.query<MovieRow>(
      `INSERT INTO movies (title, description, duration_minutes, price_minor, currency, start_date, end_date)
         VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING ${columns}`,
      [
        movie.title,
        movie.description,
        movie.duration_minutes,
        movie.price.amount,
        movie.price.currency,
        movie.start_date,
        movie.end_date,
      ],
    );
    return toMovie(onlyRow(rows));
  };

/** @throws Problem invalid_request where the dates, old and new together, run backwards */
const update =
  (db: Queryable) =>
  async (id: number, change: MovieChange): Promise<Movie | undefined> => {
    try {
      const [row] = await db.query<MovieRow>(
        `UPDATE movies SET
             title = COALESCE($2, title),
             description = COALESCE($3, description),
             duration_minutes = COALESCE($4, duration_minutes),
             price_minor = COALESCE($5, price_minor),
             currency = COALESCE($6, currency),
             start_date = COALESCE($7, start_date),
             end_date = COALESCE($8, end_date)
           WHERE id = $1 RETURNING ${columns}`,
        [
          id,
          change.title,
          change.description,
          change.duration_minutes,
          change.price?.amount,
          change.price?.currency,
          change.start_date,
          change.end_date,
        ],
      );
      return row && toMovie(row);
    } catch (error) {
      if (isCheckViolation(error, 'movies_dates')) {
        throw invalid(
          change.end_date === undefined ? 'start_date' : 'end_date',
          'end_date must not lie before start_date',
        );
      }
      throw error;
    }
  };

/** @throws Problem in_use where a screening shows it */
const remove =
  (db: Queryable) =>
  async (id: number): Promise<boolean> => {
    try {
      const gone = await db.query('DELETE FROM movies WHERE id = $1 RETURNING id', [id]);
      return gone.length === 1;
    } catch (error) {
      if (!isForeignKeyViolation(error)) throw error;
      throw new Problem('in_use', { detail: 'The movie has screenings.', cause: error });
    }
  };

export type MoviesRepository = ReturnType<typeof makeMoviesRepository>;

export const makeMoviesRepository = (db: Queryable) => ({
  list: list(db),
  find: find(db),
  insert: insert(db),
  update: update(db),
  remove: remove(db),
});
