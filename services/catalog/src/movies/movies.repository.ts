import { onlyRow, type Queryable } from '@movie-ticketing/kit/database';
import { Problem } from '@movie-ticketing/kit/problems';
import { isForeignKeyViolation } from '@movie-ticketing/kit/sqlstate';
import {
  allOf,
  insertStatement,
  makeParameters,
  updateStatement,
  type ColumnValues,
} from '@movie-ticketing/kit/statements';
import { foldText } from '@movie-ticketing/kit/text-folding';

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

const toMovie = (row: MovieRow): Movie => ({
  id: row.id,
  title: row.title,
  description: row.description,
  durationMinutes: row.duration_minutes,
  price: { amount: row.price_minor, currency: row.currency },
  startDate: row.start_date,
  endDate: row.end_date,
});

/** Fields whose column has the same name are stored as they are. */
const toColumns = ({ price, ...fields }: MovieChange): ColumnValues => ({
  ...fields,
  title_folded: fields.title === undefined ? undefined : foldText(fields.title),
  price_minor: price?.amount,
  currency: price?.currency,
});

/** One row more than `limit` where there is a next page. */
const list =
  (db: Queryable) =>
  async ({ limit, cursor, q, showing_on }: MovieQuery): Promise<Movie[]> => {
    const { values, add } = makeParameters();
    const conditions = allOf([
      `id > ${add(cursor?.[0] ?? 0)}`,
      // strpos, unlike LIKE, has no metacharacters.
      q !== undefined && `strpos(title_folded, ${add(foldText(q))}) > 0`,
      showing_on !== undefined && `${add(showing_on)}::date BETWEEN start_date AND end_date`,
    ]);
    const rows = await db.query<MovieRow>(
      `SELECT ${columns} FROM movies WHERE ${conditions} ORDER BY id LIMIT ${add(limit + 1)}`,
      values,
    );
    return rows.map(toMovie);
  };

const find =
  (db: Queryable) =>
  async (id: number): Promise<Movie | undefined> => {
    const [row] = await db.query<MovieRow>(
      `SELECT ${columns} FROM movies WHERE id = $1`,
      [id],
      'catalog.movies.find',
    );
    return row && toMovie(row);
  };

/** Before a change of the movie. */
const lock =
  (db: Queryable) =>
  async (id: number): Promise<Movie | undefined> => {
    const [row] = await db.query<MovieRow>(
      `SELECT ${columns} FROM movies WHERE id = $1 FOR NO KEY UPDATE`,
      [id],
    );
    return row && toMovie(row);
  };

/** Before a change of its screenings: until it ends, the movie and its run do not change. */
const lockShared =
  (db: Queryable) =>
  async (id: number): Promise<Movie | undefined> => {
    const [row] = await db.query<MovieRow>(
      `SELECT ${columns} FROM movies WHERE id = $1 FOR SHARE`,
      [id],
    );
    return row && toMovie(row);
  };

const insert =
  (db: Queryable) =>
  async (movie: NewMovie): Promise<Movie> => {
    const { text, values } = insertStatement('movies', toColumns(movie), columns);
    return toMovie(onlyRow(await db.query<MovieRow>(text, values)));
  };

/** Of a movie that is locked. */
const update =
  (db: Queryable) =>
  async (id: number, change: MovieChange): Promise<Movie> => {
    const { text, values } = updateStatement('movies', toColumns(change), { id }, columns);
    return toMovie(onlyRow(await db.query<MovieRow>(text, values)));
  };

/** @throws Problem in_use where it has screenings */
const remove =
  (db: Queryable) =>
  async (id: number): Promise<void> => {
    try {
      await db.query('DELETE FROM movies WHERE id = $1', [id]);
    } catch (error) {
      if (!isForeignKeyViolation(error)) throw error;
      throw new Problem('in_use', { detail: 'The movie has screenings.', cause: error });
    }
  };

export type MoviesRepository = ReturnType<typeof makeMoviesRepository>;

export const makeMoviesRepository = (db: Queryable) => ({
  list: list(db),
  find: find(db),
  lock: lock(db),
  lockShared: lockShared(db),
  insert: insert(db),
  update: update(db),
  remove: remove(db),
});
