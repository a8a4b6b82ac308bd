import { onlyRow, type Queryable } from '@movie-ticketing/kit/database';
import { bitsOf } from '@movie-ticketing/kit/seat-bitmap';
import {
  combineWrites,
  makeParameters,
  unnestRows,
  type Parameters,
  type RowColumns,
} from '@movie-ticketing/kit/statements';

import type { PriceCard } from '../prices/screening-prices.ts';

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
  movieId: number;
  /** Null: general admission. */
  seatPlanId: number | null;
  /** A bit for each seat that is taken or blocked; null for general admission. */
  occupied: string | null;
  /** Whether a customer may not leave a single seat free where that can be avoided. */
  preventOrphans: boolean;
  /** Null: the flat price for everyone. */
  priceCardId: number | null;
  /** As of the start of the statement that locked the screening. */
  priceCard: PriceCard | undefined;
};

/** A booking that takes seats, with its numbered seats if it has any. */
export type SeatTaker = {
  screeningId: number;
  numTickets: number;
  tickets: readonly { seat: number | null }[];
};

/** A booking whose seats are to be released. */
export type SeatHolder = { id: number; screeningId: number; numTickets: number };

type SeatChange = { screeningId: number; seats: number };

type LockedScreeningRow = {
  id: number;
  available_seats: number;
  status: 'scheduled' | 'cancelled';
  has_started: boolean;
  now: Date;
  price_minor: number;
  currency: string;
  movie_id: number;
  seat_plan_id: number | null;
  occupied: string | null;
  price_card_id: number | null;
  /** Null: general admission at the flat price. */
  rules: { prevent_orphans: boolean; price_card: PriceCardJson | null } | null;
};

type PriceCardJson = {
  currency: string;
  fee: number;
  tax_rate_bp: number;
  lines:
    | {
        type: number;
        category: string | null;
        amount: number;
        staff_only: boolean;
        active: boolean;
      }[]
    | null;
};

const toPriceCard = (card: PriceCardJson): PriceCard => ({
  currency: card.currency,
  feeMinor: card.fee,
  taxRateBp: card.tax_rate_bp,
  lines: (card.lines ?? []).map((line) => ({
    ticketTypeId: line.type,
    category: line.category,
    amountMinor: line.amount,
    staffOnly: line.staff_only,
    active: line.active,
  })),
});

const toLockedScreening = (row: LockedScreeningRow): LockedScreening => ({
  id: row.id,
  availableSeats: row.available_seats,
  status: row.status,
  hasStarted: row.has_started,
  now: row.now,
  priceMinor: row.price_minor,
  currency: row.currency,
  movieId: row.movie_id,
  seatPlanId: row.seat_plan_id,
  occupied: row.occupied,
  preventOrphans: row.rules?.prevent_orphans ?? false,
  priceCardId: row.price_card_id,
  priceCard: row.rules?.price_card ? toPriceCard(row.rules.price_card) : undefined,
});

/**
 * Locks screenings, step 2 of the lock order. In id order two transactions cannot deadlock. The clock is
 * read outside the locking scan, so after the lock: acquiring it may have taken seconds.
 */
const lock =
  (tx: Queryable) =>
  async (screeningIds: readonly number[]): Promise<Map<number, LockedScreening>> => {
    const rows = await tx.query<LockedScreeningRow>(
      `WITH locked AS MATERIALIZED (
         SELECT id, available_seats, status, starts_at, price_minor, currency, movie_id, theater_id,
           seat_plan_id, price_card_id, taken | blocked AS occupied
         FROM screenings WHERE id = ANY($1::bigint[]) ORDER BY id FOR NO KEY UPDATE
       )
       SELECT id, available_seats, status, starts_at <= now AS has_started, now, price_minor, currency, movie_id,
         seat_plan_id, occupied, price_card_id,
         CASE WHEN seat_plan_id IS NOT NULL OR price_card_id IS NOT NULL
           THEN selling_rules(theater_id, price_card_id) END AS rules
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
const sumByScreening = (
  holders: readonly Pick<SeatHolder, 'screeningId' | 'numTickets'>[],
): SeatChange[] => {
  const sums = new Map<number, number>();
  for (const { screeningId, numTickets } of holders) {
    sums.set(screeningId, (sums.get(screeningId) ?? 0) + numTickets);
  }
  return [...sums].map(([screeningId, seats]) => ({ screeningId, seats }));
};

type SeatMapChange = SeatChange & { positions: readonly number[] };

/** Numbered seats by screening. */
const seatMapChanges = (takers: readonly SeatTaker[]): SeatMapChange[] => {
  const changes = new Map<number, number[]>();
  for (const { screeningId, tickets } of takers) {
    const positions = changes.get(screeningId) ?? [];
    for (const { seat } of tickets) if (seat !== null) positions.push(seat);
    changes.set(screeningId, positions);
  }
  return [...changes].map(([screeningId, positions]) => ({
    screeningId,
    seats: positions.length,
    positions,
  }));
};

/** The bits of a seat map of a screening in which some positions are set. */
const maskColumns: RowColumns<SeatMapChange & { length: number }> = {
  ...(changeColumns as RowColumns<SeatMapChange & { length: number }>),
  mask: ['bit varying', ({ length, positions }) => bitsOf(length, positions)],
};

const isNumbered = ({ tickets }: SeatTaker): boolean => tickets.some(({ seat }) => seat !== null);

/** The writes that take seats of locked screenings, for `combineWrites`. */
export const takeSeats = (
  parameters: Parameters,
  takers: readonly SeatTaker[],
  screenings: ReadonlyMap<number, LockedScreening>,
): Record<string, string> => {
  const general = takers.filter((taker) => !isNumbered(taker));
  const numbered = seatMapChanges(takers.filter(isNumbered)).map((change) => ({
    ...change,
    length: screenings.get(change.screeningId)?.occupied?.length ?? 0,
  }));
  return {
    ...(general.length === 0
      ? {}
      : {
          taken_seats: `UPDATE screenings s SET available_seats = s.available_seats - change.seats
            FROM ${unnestRows(parameters, 'change', sumByScreening(general), changeColumns)}
            WHERE s.id = change.screening_id`,
        }),
    ...(numbered.length === 0
      ? {}
      : {
          taken_seat_maps: `UPDATE screenings s SET available_seats = s.available_seats - map.seats,
              taken = s.taken | map.mask, seats_version = s.seats_version + 1
            FROM ${unnestRows(parameters, 'map', numbered, maskColumns)}
            WHERE s.id = map.screening_id`,
        }),
  };
};

type ReleasedBooking = Pick<SeatHolder, 'id'>;

const releasedColumns: RowColumns<ReleasedBooking> = { booking_id: ['bigint', ({ id }) => id] };

/** Voids the tickets that have rows, and frees their seats with the others of general admission. */
const releaseWrites = (
  parameters: Parameters,
  holders: readonly SeatHolder[],
): Record<string, string> => ({
  voided: `UPDATE tickets t SET status = 'void'
    FROM ${unnestRows(parameters, 'released', holders, releasedColumns)}
    WHERE t.id >= released.booking_id * 1000 AND t.id < (released.booking_id + 1) * 1000 AND t.status = 'live'
    RETURNING t.screening_id, t.seat`,
  freed: `SELECT s.id, bit_or(set_bit(repeat('0', s.total_seats)::bit varying, v.seat, 1)) AS mask
    FROM voided v JOIN screenings s ON s.id = v.screening_id WHERE v.seat IS NOT NULL GROUP BY s.id`,
  released_seats: `UPDATE screenings s SET available_seats = s.available_seats + change.seats,
      taken = CASE WHEN freed.mask IS NULL THEN s.taken ELSE s.taken & ~ freed.mask::bit varying END,
      seats_version = s.seats_version + CASE WHEN freed.mask IS NULL THEN 0 ELSE 1 END
    FROM ${unnestRows(parameters, 'change', sumByScreening(holders), changeColumns)}
    LEFT JOIN freed ON freed.id = change.screening_id
    WHERE s.id = change.screening_id`,
});

/** Releases seats of locked screenings. */
const release =
  (tx: Queryable) =>
  async (holders: readonly SeatHolder[]): Promise<void> => {
    if (holders.length === 0) return;
    const parameters = makeParameters();
    const text = combineWrites(releaseWrites(parameters, holders));
    await tx.query(text, parameters.values, 'bookings.seats.release');
  };

export type SeatsRepository = ReturnType<typeof makeSeatsRepository>;

/** The only owner of `available_seats` and of seat maps: every lock, take and release of seats goes through here. */
export const makeSeatsRepository = (tx: Queryable) => ({
  lock: lock(tx),
  /** @throws Error if the screening does not exist */
  lockOne: async (screeningId: number): Promise<LockedScreening> =>
    onlyRow([...(await lock(tx)([screeningId])).values()]),
  findBlocked: findBlocked(tx),
  release: release(tx),
});
