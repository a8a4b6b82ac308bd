import type { Queryable, Transaction } from '@movie-ticketing/kit/database';
import type { IdempotentRequest } from '@movie-ticketing/kit/idempotency';
import {
  combineWrites,
  makeParameters,
  unnestRows,
  type RowColumns,
} from '@movie-ticketing/kit/statements';

import {
  bookingColumns,
  insertBookings,
  toBooking,
  type BookingRow,
} from '../bookings/bookings.repository.ts';
import type { Booking, BookingStatus } from '../bookings/bookings.schema.ts';
import { insertKeys, keyColumns, type NewKey } from '../idempotency/idempotency-keys.repository.ts';
import type { TicketType } from '../prices/screening-prices.ts';
import { changeUses } from '../promo-codes/promo-codes.repository.ts';
import { takeSeats, type LockedScreening } from '../seats/seats.repository.ts';
import { insertTickets } from '../tickets/tickets.repository.ts';
import { usageId, type Usage, type UsageKey } from './booking-limits.ts';
import type { BookingRequest } from './booking-request.ts';
import { keyId, type BatchView, type StoredBooking } from './decide-batch.ts';

/** A row as JSON: its times are strings. */
type BookingJson = Omit<BookingRow, 'created_at' | 'expires_at'> & {
  created_at: string;
  expires_at: string;
};

type KeyJson = {
  user_id: number;
  scope: string;
  key: string;
  hash: string;
  outcome: BookingStatus;
  booking: BookingJson;
};

type UsageJson = { user_id: number; screening_id: number; tickets: number; expired_holds: number };

type TicketTypeJson = { id: number; staff_only: boolean; active: boolean };

type ViewRow = {
  types?: TicketTypeJson[] | null;
  active_user_ids: number[] | null;
  ids: number[] | null;
  keys?: KeyJson[] | null;
  usage?: UsageJson[] | null;
};

const toStoredBooking = ({ hash, outcome, booking }: KeyJson): StoredBooking => ({
  requestHash: Buffer.from(hash, 'hex'),
  booking: toBooking({
    ...booking,
    status: outcome,
    created_at: new Date(booking.created_at),
    expires_at: new Date(booking.expires_at),
  }),
});

/**
 * Active users, stored keys and new ids in one round trip. A statement of its own, after the lock: its
 * snapshot includes what the previous holder of the lock committed, such as the same key.
 */
const readView =
  (tx: Queryable) =>
  async (
    requests: readonly BookingRequest[],
    hasLimits: boolean,
  ): Promise<Omit<BatchView, 'screenings' | 'layouts' | 'promoCodes'>> => {
    const { values, add } = makeParameters();
    const userIds = new Set(requests.flatMap(({ userId, requestedBy }) => [userId, requestedBy]));
    const columns = [
      `(SELECT json_agg(id) FROM users WHERE id = ANY(${add([...userIds])}::bigint[]) AND deleted_at IS NULL)
         AS active_user_ids`,
      `(SELECT json_agg(nextval('bookings_id_seq')) FROM generate_series(1, ${add(requests.length)}::int)) AS ids`,
    ];
    const wanted = requests.flatMap(({ idempotency }) => idempotency ?? []);
    if (wanted.length > 0) columns.push(`${selectKeys({ values, add }, wanted)} AS keys`);
    const limited = hasLimits ? requests.filter(({ byStaff }) => !byStaff) : [];
    if (limited.length > 0) columns.push(`${selectUsage({ values, add }, limited)} AS usage`);
    const types = requests.flatMap(
      ({ wish }) => wish?.tickets.flatMap(({ ticketTypeId }) => ticketTypeId ?? []) ?? [],
    );
    if (types.length > 0) columns.push(`${selectTypes({ values, add }, types)} AS types`);
    const name = statementName('view', {
      keys: wanted.length > 0,
      usage: limited.length > 0,
      types: types.length > 0,
    });
    const [row] = await tx.query<ViewRow>(`SELECT ${columns.join(', ')}`, values, name);
    return {
      activeUserIds: new Set(row?.active_user_ids ?? []),
      ids: row?.ids ?? [],
      usage: new Map((row?.usage ?? []).map(toUsage)),
      ticketTypes: new Map((row?.types ?? []).map(toTicketType)),
      keys: new Map(
        (row?.keys ?? []).map((stored) => [
          keyId({ userId: stored.user_id, scope: stored.scope, key: stored.key }),
          toStoredBooking(stored),
        ]),
      ),
    };
  };

/** Each shape of a statement is prepared under a name of its own, of at most 63 bytes: `bookings.batch.view+keys`. */
const statementName = (statement: string, parts: Readonly<Record<string, boolean>>): string => {
  const present = Object.keys(parts).filter((part) => parts[part] === true);
  return `bookings.batch.${statement}${present.map((part) => `+${part}`).join('')}`;
};

const selectTypes = ({ add }: ReturnType<typeof makeParameters>, ids: readonly number[]): string =>
  `(SELECT json_agg(json_build_object('id', id, 'staff_only', staff_only, 'active', active))
    FROM ticket_types WHERE id = ANY(${add([...new Set(ids)])}::bigint[]))`;

const toTicketType = (json: TicketTypeJson): [number, TicketType] => [
  json.id,
  { staffOnly: json.staff_only, active: json.active },
];

const selectKeys = (
  parameters: ReturnType<typeof makeParameters>,
  wanted: readonly IdempotentRequest[],
): string => `
  (SELECT json_agg(json_build_object('user_id', k.user_id, 'scope', k.scope, 'key', k.key,
     'hash', encode(k.request_hash, 'hex'), 'outcome', k.outcome, 'booking',
     (SELECT to_json(b) FROM (SELECT ${bookingColumns} FROM bookings WHERE id = k.booking_id) b)))
   FROM bookings_idempotency_keys k
   JOIN ${unnestRows(parameters, 'wanted', wanted, keyColumns)} USING (user_id, scope, key))`;

const usageColumns: RowColumns<UsageKey> = {
  user_id: ['bigint', ({ userId }) => userId],
  screening_id: ['bigint', ({ screeningId }) => screeningId],
};

/** What the users have taken, by two partial indexes. Only of those who have taken something. */
const selectUsage = (
  parameters: ReturnType<typeof makeParameters>,
  limited: readonly UsageKey[],
): string => `
  (SELECT json_agg(json_build_object('user_id', wanted.user_id, 'screening_id', wanted.screening_id,
     'tickets', coalesce(live.tickets, 0), 'expired_holds', expired.holds))
   FROM ${unnestRows(parameters, 'wanted', limited, usageColumns)},
   LATERAL (SELECT sum(num_tickets)::int AS tickets FROM bookings b
     WHERE b.screening_id = wanted.screening_id AND b.user_id = wanted.user_id
       AND b.status IN ('pending', 'confirmed')) AS live,
   LATERAL (SELECT count(*)::int AS holds FROM bookings b
     WHERE b.user_id = wanted.user_id AND b.status = 'expired'
       AND b.expires_at > clock_timestamp() - interval '1 hour') AS expired
   WHERE live.tickets IS NOT NULL OR expired.holds > 0)`;

const toUsage = (row: UsageJson): [string, Usage] => [
  usageId({ userId: row.user_id, screeningId: row.screening_id }),
  { tickets: row.tickets, expiredHolds: row.expired_holds },
];

/** Everything a batch changes, in one statement that shares a round trip with COMMIT. */
const write =
  (tx: Transaction) =>
  (
    bookings: readonly Booking[],
    keys: readonly NewKey[],
    screenings: ReadonlyMap<number, LockedScreening>,
  ): void => {
    const parameters = makeParameters();
    const tickets = bookings.flatMap((booking) =>
      booking.tickets.map((it) => ({ ...it, screeningId: booking.screeningId })),
    );
    const parts = {
      keys: keys.length > 0,
      tickets: tickets.length > 0,
      promos: bookings.some(({ promoCodeId }) => promoCodeId !== null),
    };
    const seats = takeSeats(parameters, bookings, screenings);
    const writes = {
      inserted_bookings: insertBookings(parameters, bookings),
      ...seats,
      ...(parts.tickets ? { inserted_tickets: insertTickets(parameters, tickets) } : {}),
      ...(parts.promos ? { used_promo_codes: changeUses(parameters, '+', bookings) } : {}),
      ...(parts.keys ? { inserted_keys: insertKeys(parameters, keys) } : {}),
    };
    const kinds = { ...parts, general: 'taken_seats' in seats, maps: 'taken_seat_maps' in seats };
    tx.send(combineWrites(writes), parameters.values, statementName('write', kinds));
  };

/** Those of the references whose bookings are committed. */
const findReferences =
  (tx: Queryable) =>
  async (references: readonly string[]): Promise<Set<string>> => {
    const rows = await tx.query<{ reference: string }>(
      'SELECT reference FROM bookings WHERE reference = ANY($1::text[])',
      [references],
    );
    return new Set(rows.map(({ reference }) => reference));
  };

export type BatchRepository = ReturnType<typeof makeBatchRepository>;

export const makeBatchRepository = (tx: Transaction) => ({
  readView: readView(tx),
  write: write(tx),
  findReferences: findReferences(tx),
});
