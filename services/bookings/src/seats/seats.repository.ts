import { onlyRow, type Queryable } from '@movie-ticketing/kit/database';
import {
  makeParameters,
  unnestRows,
  type Parameters,
  type RowColumns,
} from '@movie-ticketing/kit/statements';

/** A screening as read under its lock. Amounts are in minor units. */
export type LockedScreening = {
  id: number;
  availableSeats: number;
  status: 'scheduled' | 'cancelled';
  /** Compared with the database's clock after the lock was acquired. */
  hasStarted: boolean;
  now: Date;
  priceMinor: number;
  currency: string;
};

/** What holds seats of a screening: a booking. */
export type SeatHolder = { screeningId: number; numTickets: number };

type SeatChange = { screeningId: number; seats: number };

type LockedScreeningRow = {
  id: number;
  available_seats: number;
  status: 'scheduled' | 'cancelled';
  has_started: boolean;
  now: Date;
  price_minor: number;
  currency: string;
};

const toLockedScreening = (row: LockedScreeningRow): LockedScreening => ({
  id: row.id,
  availableSeats: row.available_seats,
  status: row.status,
  hasStarted: row.has_started,
  now: row.now,
  priceMinor: row.price_minor,
  currency: row.currency,
});

/**
 * Locks screenings, step 1 of the lock order. In id order two transactions cannot deadlock. The clock is
 * read outside the locking scan, so after the lock: acquiring it may have taken seconds.
 */
const lock =
  (tx: Queryable) =>
  async (screeningIds: readonly number[]): Promise<Map<number, LockedScreening>> => {
    const rows = await tx.query<LockedScreeningRow>(
      `WITH locked AS MATERIALIZED (
         SELECT id, available_seats, status, starts_at, price_minor, currency
         FROM screenings WHERE id = ANY($1::bigint[]) ORDER BY id FOR NO KEY UPDATE
       )
       SELECT id, available_seats, status, starts_at <= now AS has_started, now, price_minor, currency
       FROM (SELECT *, clock_timestamp() AS now FROM locked OFFSET 0) AS timed`,
      [screeningIds],
      'bookings.seats.lock',
    );
    return new Map(rows.map((row) => [row.id, toLockedScreening(row)]));
  };

/** The screenings that another transaction holds locked at this moment. */
const findBlocked =
  (tx: Queryable) =>
  async (screeningIds: readonly number[]): Promise<Set<number>> => {
    const free = await tx.query<{ id: number }>(
      'SELECT id FROM screenings WHERE id = ANY($1::bigint[]) ORDER BY id FOR NO KEY UPDATE SKIP LOCKED',
      [screeningIds],
    );
    const all = await tx.query<{ id: number }>(
      'SELECT id FROM screenings WHERE id = ANY($1::bigint[])',
      [screeningIds],
    );
    const freeIds = new Set(free.map(({ id }) => id));
    return new Set(all.map(({ id }) => id).filter((id) => !freeIds.has(id)));
  };

const changeColumns: RowColumns<SeatChange> = {
  screening_id: ['bigint', ({ screeningId }) => screeningId],
  seats: ['int', ({ seats }) => seats],
};

/** One change per screening: an UPDATE with FROM applies only one of several rows with the same id. */
const sumByScreening = (holders: readonly SeatHolder[]): SeatChange[] => {
  const sums = new Map<number, number>();
  for (const { screeningId, numTickets } of holders) {
    sums.set(screeningId, (sums.get(screeningId) ?? 0) + numTickets);
  }
  return [...sums].map(([screeningId, seats]) => ({ screeningId, seats }));
};

const updateSeats = (
  parameters: Parameters,
  operator: '+' | '-',
  holders: readonly SeatHolder[],
): string =>
  `UPDATE screenings s SET available_seats = s.available_seats ${operator} change.seats
   FROM ${unnestRows(parameters, 'change', sumByScreening(holders), changeColumns)}
   WHERE s.id = change.screening_id`;

/** The writes that take seats of locked screenings, for `combineWrites`. */
export const takeSeats = (
  parameters: Parameters,
  holders: readonly SeatHolder[],
): Record<string, string> => ({ taken_seats: updateSeats(parameters, '-', holders) });

/** Releases seats of locked screenings. */
const release =
  (tx: Queryable) =>
  async (holders: readonly SeatHolder[]): Promise<void> => {
    if (holders.length === 0) return;
    const parameters = makeParameters();
    const text = updateSeats(parameters, '+', holders);
    await tx.query(text, parameters.values, 'bookings.seats.release');
  };

export type SeatsRepository = ReturnType<typeof makeSeatsRepository>;

/** The only owner of `available_seats`: every lock, take and release of seats goes through here. */
export const makeSeatsRepository = (tx: Queryable) => ({
  lock: lock(tx),
  /** @throws Error if the screening does not exist */
  lockOne: async (screeningId: number): Promise<LockedScreening> =>
    onlyRow([...(await lock(tx)([screeningId])).values()]),
  findBlocked: findBlocked(tx),
  release: release(tx),
});
