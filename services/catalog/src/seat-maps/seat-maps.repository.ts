import { onlyRow, type Queryable } from '@movie-ticketing/kit/database';

import type { SeatMap } from './seat-maps.schema.ts';

type SeatMapRow = {
  seat_plan_id: number | null;
  seats_version: number;
  taken: string | null;
  blocked: string | null;
};

const columns = 'seat_plan_id, seats_version, taken, blocked';

const toSeatMap = (row: SeatMapRow): SeatMap => ({
  seatPlanId: row.seat_plan_id,
  version: row.seats_version,
  taken: row.taken,
  blocked: row.blocked,
});

const find =
  (db: Queryable) =>
  async (screeningId: number): Promise<SeatMap | undefined> => {
    const [row] = await db.query<SeatMapRow>(
      `SELECT ${columns} FROM screenings WHERE id = $1`,
      [screeningId],
      'catalog.seat_maps.find',
    );
    return row && toSeatMap(row);
  };

type LockedSeatMap = SeatMap & { status: 'scheduled' | 'cancelled' };

/** Waits for the bookings that hold the row. */
const lock =
  (db: Queryable) =>
  async (screeningId: number): Promise<LockedSeatMap | undefined> => {
    const [row] = await db.query<SeatMapRow & Pick<LockedSeatMap, 'status'>>(
      `SELECT ${columns}, status FROM screenings WHERE id = $1 FOR NO KEY UPDATE`,
      [screeningId],
    );
    return row && { ...toSeatMap(row), status: row.status };
  };

/** Of a locked screening. The seats that are available follow from the map. */
const setBlocked =
  (db: Queryable) =>
  async (screeningId: number, blocked: string): Promise<SeatMap> =>
    toSeatMap(
      onlyRow(
        await db.query<SeatMapRow>(
          `UPDATE screenings SET blocked = $2::bit varying, seats_version = seats_version + 1,
             available_seats = total_seats - bit_count(taken) - bit_count($2::bit varying)
           WHERE id = $1 RETURNING ${columns}`,
          [screeningId, blocked],
        ),
      ),
    );

export const makeSeatMapsRepository = (db: Queryable) => ({
  find: find(db),
  lock: lock(db),
  setBlocked: setBlocked(db),
});
