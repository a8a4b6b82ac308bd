import type { Queryable } from '@movie-ticketing/kit/database';
import { Problem } from '@movie-ticketing/kit/problems';
import { isForeignKeyViolation } from '@movie-ticketing/kit/sqlstate';
import { allOf, makeParameters, type ColumnValues } from '@movie-ticketing/kit/statements';
import { foldText } from '@movie-ticketing/kit/text-folding';

import { onTable, type Table } from '../table.ts';
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

const table: Table<MovieRow, Movie> = {
  name: 'movies',
  columns: 'id, title, description, duration_minutes, price_minor, currency, start_date, end_date',
  toResource: (row) => ({
    id: row.id,
    title: row.title,
    description: row.description,
    durationMinutes: row.duration_minutes,
    price: { amount: row.price_minor, currency: row.currency },
    startDate: row.start_date,
    endDate: row.end_date,
  }),
};

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
      `SELECT ${table.columns} FROM movies WHERE ${conditions} ORDER BY id LIMIT ${add(limit + 1)}`,
      values,
    );
    return rows.map(table.toResource);
  };

/** Before a change of its screenings: until it ends, the movie and its run do not change. */
const lockShared =
  (db: Queryable) =>
  async (id: number): Promise<Movie | undefined> => {
    const [row] = await db.query<MovieRow>(
      `SELECT ${table.columns} FROM movies WHERE id = $1 FOR SHARE`,
      [id],
    );
    return row && table.toResource(row);
  };

export type MoviesRepository = ReturnType<typeof makeMoviesRepository>;

export const makeMoviesRepository = (db: Queryable) => {
  const movies = onTable(table, db);
  return {
    ...movies,
    list: list(db),
    lockShared: lockShared(db),
    insert: (movie: NewMovie): Promise<Movie> => movies.insert(toColumns(movie)),
    update: (id: number, change: MovieChange): Promise<Movie> =>
      movies.update(id, toColumns(change)),
    /** @throws Problem in_use where it has screenings */
    remove: async (id: number): Promise<void> => {
      try {
        await movies.remove(id);
      } catch (error) {
        if (!isForeignKeyViolation(error)) throw error;
        throw new Problem('in_use', { detail: 'The movie has screenings.', cause: error });
      }
    },
  };
};
