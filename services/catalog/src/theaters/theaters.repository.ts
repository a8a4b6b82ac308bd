import { onlyRow, type Queryable } from '@movie-ticketing/kit/database';
import { isForeignKeyViolation } from '@movie-ticketing/kit/sqlstate';
import { Problem } from '@movie-ticketing/kit/problems';

import type { NewTheater, Theater, TheaterChange, TheaterQuery } from './theaters.schema.ts';

/** A theater's row is a theater as it is shown. */
const columns = 'id, name, location, time_zone, total_seats';

/** One row more than `limit` where there is a next page. */
const list =
  (db: Queryable) =>
  ({ limit, cursor }: TheaterQuery): Promise<Theater[]> =>
    db.query<Theater>(`SELECT ${columns} FROM theaters WHERE id > $1 ORDER BY id LIMIT $2`, [
      cursor?.[0] ?? 0,
      limit + 1,
    ]);

const find =
  (db: Queryable) =>
  async (id: number): Promise<Theater | undefined> => {
    const [theater] = await db.query<Theater>(
      `SELECT ${columns} FROM theaters WHERE id = $1`,
      [id],
      'catalog_find_theater',
    );
    return theater;
  };

const insert =
  (db: Queryable) =>
  async (theater: NewTheater): Promise<Theater> => {
    const rows = await db.query<Theater>(
      `INSERT INTO theaters (name, location, time_zone, total_seats)
         VALUES ($1, $2, $3, $4) RETURNING ${columns}`,
      [theater.name, theater.location, theater.time_zone, theater.total_seats],
    );
    return onlyRow(rows);
  };

const update =
  (db: Queryable) =>
  async (id: number, change: TheaterChange): Promise<Theater | undefined> => {
    const [theater] = await db.query<Theater>(
      `UPDATE theaters SET
           name = COALESCE($2, name),
           location = COALESCE($3, location),
           time_zone = COALESCE($4, time_zone),
           total_seats = COALESCE($5, total_seats)
         WHERE id = $1 RETURNING ${columns}`,
      [id, change.name, change.location, change.time_zone, change.total_seats],
    );
    return theater;
  };

/** @throws Problem in_use where a screening takes place in it */
const remove =
  (db: Queryable) =>
  async (id: number): Promise<boolean> => {
    try {
      const gone = await db.query('DELETE FROM theaters WHERE id = $1 RETURNING id', [id]);
      return gone.length === 1;
    } catch (error) {
      if (!isForeignKeyViolation(error)) throw error;
      throw new Problem('in_use', { detail: 'The theater has screenings.', cause: error });
    }
  };

export type TheatersRepository = ReturnType<typeof makeTheatersRepository>;

export const makeTheatersRepository = (db: Queryable) => ({
  list: list(db),
  find: find(db),
  insert: insert(db),
  update: update(db),
  remove: remove(db),
});
