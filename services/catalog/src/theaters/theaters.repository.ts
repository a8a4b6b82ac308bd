import type { Queryable } from '@movie-ticketing/kit/database';
import { Problem } from '@movie-ticketing/kit/problems';
import { isForeignKeyViolation } from '@movie-ticketing/kit/sqlstate';

import { onTable, type Table } from '../table.ts';
import type { NewTheater, Theater } from './theaters.schema.ts';

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

const table: Table<TheaterRow, Theater> = {
  name: 'theaters',
  columns: 'id, name, location, time_zone, total_seats, seat_plan_id, prevent_orphan_seats',
  toResource: (row) => ({
    id: row.id,
    name: row.name,
    location: row.location,
    timeZone: row.time_zone,
    totalSeats: row.total_seats,
    seatPlanId: row.seat_plan_id,
    preventOrphanSeats: row.prevent_orphan_seats,
  }),
};

export type TheatersRepository = ReturnType<typeof makeTheatersRepository>;

export const makeTheatersRepository = (db: Queryable) => {
  const theaters = onTable(table, db);
  return {
    ...theaters,
    /**
     * Before a change of the theater, and before a screening is added to it or moved within it. Without this
     * lock, transactions that meet in the exclusion constraint wait for each other's rows, and PostgreSQL
     * aborts all but one of them as deadlocked.
     */
    lock: theaters.lock,
    insert: (theater: NewTheater): Promise<Theater> => theaters.insert(theater),
    update: (id: number, change: TheaterUpdate): Promise<Theater> => theaters.update(id, change),
    /** @throws Problem in_use where it has screenings */
    remove: async (id: number): Promise<void> => {
      try {
        await theaters.remove(id);
      } catch (error) {
        if (!isForeignKeyViolation(error)) throw error;
        throw new Problem('in_use', { detail: 'The theater has screenings.', cause: error });
      }
    },
  };
};
