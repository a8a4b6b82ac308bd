import { onlyRow, type Queryable } from '@movie-ticketing/kit/database';
import { isForeignKeyViolation } from '@movie-ticketing/kit/sqlstate';
import { Problem } from '@movie-ticketing/kit/problems';
import {
  insertStatement,
  updateStatement,
  type ColumnValues,
} from '@movie-ticketing/kit/statements';

import type { NewTheater, Theater, TheaterQuery } from './theaters.schema.ts';

type TheaterRow = {
  id: number;
  name: string;
  location: string;
  time_zone: string;
  total_seats: number;
  seat_plan_id: number | null;
  prevent_orphan_seats: boolean;
};

/** Columns that change. */
type TheaterUpdate = Partial<Omit<TheaterRow, 'id'>>;

const columns = 'id, name, location, time_zone, total_seats, seat_plan_id, prevent_orphan_seats';

const toTheater = (row: TheaterRow): Theater => ({
  id: row.id,
  name: row.name,
  location: row.location,
  timeZone: row.time_zone,
  totalSeats: row.total_seats,
  seatPlanId: row.seat_plan_id,
  preventOrphanSeats: row.prevent_orphan_seats,
});

/** Fields whose column has the same name are stored as they are. */
const toColumns = (fields: TheaterUpdate): ColumnValues => fields;

/** One row more than `limit` where there is a next page. */
const list =
  (db: Queryable) =>
  async ({ limit, cursor }: TheaterQuery): Promise<Theater[]> => {
    const rows = await db.query<TheaterRow>(
      `SELECT ${columns} FROM theaters WHERE id > $1 ORDER BY id LIMIT $2`,
      [cursor?.[0] ?? 0, limit + 1],
    );
    return rows.map(toTheater);
  };

const find =
  (db: Queryable) =>
  async (id: number): Promise<Theater | undefined> => {
    const [row] = await db.query<TheaterRow>(
      `SELECT ${columns} FROM theaters WHERE id = $1`,
      [id],
      'catalog.theaters.find',
    );
    return row && toTheater(row);
  };

/**
 * Before a change of the theater, and before a screening is added to it or moved within it. Without this
 * lock, transactions that meet in the exclusion constraint wait for each other's rows, and PostgreSQL
 * aborts all but one of them as deadlocked.
 */
const lock =
  (db: Queryable) =>
  async (id: number): Promise<Theater | undefined> => {
    const [row] = await db.query<TheaterRow>(
      `SELECT ${columns} FROM theaters WHERE id = $1 FOR NO KEY UPDATE`,
      [id],
    );
    return row && toTheater(row);
  };

const insert =
  (db: Queryable) =>
  async (theater: NewTheater): Promise<Theater> => {
    const { text, values } = insertStatement('theaters', toColumns(theater), columns);
    return toTheater(onlyRow(await db.query<TheaterRow>(text, values)));
  };

/** Of a theater that is locked. */
const update =
  (db: Queryable) =>
  async (id: number, change: TheaterUpdate): Promise<Theater> => {
    const { text, values } = updateStatement('theaters', toColumns(change), { id }, columns);
    return toTheater(onlyRow(await db.query<TheaterRow>(text, values)));
  };

/** @throws Problem in_use where it has screenings */
const remove =
  (db: Queryable) =>
  async (id: number): Promise<void> => {
    try {
      await db.query('DELETE FROM theaters WHERE id = $1', [id]);
    } catch (error) {
      if (!isForeignKeyViolation(error)) throw error;
      throw new Problem('in_use', { detail: 'The theater has screenings.', cause: error });
    }
  };

export type TheatersRepository = ReturnType<typeof makeTheatersRepository>;

export const makeTheatersRepository = (db: Queryable) => ({
  list: list(db),
  find: find(db),
  lock: lock(db),
  insert: insert(db),
  update: update(db),
  remove: remove(db),
});
