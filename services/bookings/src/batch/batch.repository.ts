import type { Queryable } from '@movie-ticketing/kit/database';

import type { Booking } from '../bookings/bookings.schema.ts';
import type { ReferencedOrder } from './booking-order.ts';
import { keyId, type LockedScreening, type StoredKey } from './decide-batch.ts';

type ScreeningRow = {
  id: number;
  available_seats: number;
  status: 'scheduled' | 'cancelled';
  started: boolean;
  now: Date;
  price_minor: number;
  currency: string;
};

type ViewRow = {
  standing: number[] | null;
  ids: number[] | null;
  keys:
    | {
        user_id: number;
        scope: string;
        key: string;
        hash: string;
        status: number | null;
        body: string | null;
      }[]
    | null;
};

export type NewKey = {
  userId: number;
  scope: string;
  key: string;
  requestHash: Buffer;
  status: number;
  body: string;
};

/**
 * Locks the batch's screenings in id order. Step 1 of the lock order: in id order two processes
 * cannot deadlock, and the row lock arbitrates between them. The clock is read outside the locking
 * scan, so after the lock.
 */
const lockScreenings =
  (tx: Queryable) =>
  async (ids: readonly number[]): Promise<Map<number, LockedScreening>> => {
    const rows = await tx.query<ScreeningRow>(
      `WITH locked AS MATERIALIZED (
         SELECT id, available_seats, status, starts_at, price_minor, currency
         FROM screenings WHERE id = ANY($1::bigint[]) ORDER BY id FOR NO KEY UPDATE
       )
       SELECT id, available_seats, status, starts_at <= now AS started, now, price_minor, currency
       FROM (SELECT *, clock_timestamp() AS now FROM locked OFFSET 0) AS timed`,
      [ids],
      'batch-lock',
    );
    return new Map(rows.map((row) => [row.id, toScreening(row)]));
  };

/** Those of the screenings whose lock somebody else holds right now. */
const findBlocked =
  (tx: Queryable) =>
  async (ids: readonly number[]): Promise<Set<number>> => {
    const free = await tx.query<{ id: number }>(
      `SELECT id FROM screenings WHERE id = ANY($1::bigint[]) ORDER BY id FOR NO KEY UPDATE SKIP LOCKED`,
      [ids],
    );
    const all = await tx.query<{ id: number }>(
      'SELECT id FROM screenings WHERE id = ANY($1::bigint[])',
      [ids],
    );
    const open = new Set(free.map(({ id }) => id));
    return new Set(all.map(({ id }) => id).filter((id) => !open.has(id)));
  };

/**
 * Accounts, stored keys and fresh ids in one round trip. A statement of its own, after the lock: its
 * snapshot sees what whoever held the lock before committed, a repeated key among it.
 */
const readView =
  (tx: Queryable) =>
  async (
    orders: readonly ReferencedOrder[],
  ): Promise<{ standing: Set<number>; keys: Map<string, StoredKey>; ids: number[] }> => {
    const people = [...new Set(orders.flatMap(({ userId, requestedBy }) => [userId, requestedBy]))];
    const keys = orders.flatMap(({ idempotency }) => idempotency ?? []);
    const [row] = await tx.query<ViewRow>(
      keys.length === 0 ? viewWithoutKeys : viewWithKeys,
      keys.length === 0
        ? [people, orders.length]
        : [
            people,
            orders.length,
            keys.map((k) => k.userId),
            keys.map((k) => k.scope),
            keys.map((k) => k.key),
          ],
      keys.length === 0 ? 'batch-view' : 'batch-view-keys',
    );
    return {
      standing: new Set(row?.standing ?? []),
      ids: row?.ids ?? [],
      keys: new Map(
        (row?.keys ?? []).map((stored) => [
          keyId({ userId: stored.user_id, scope: stored.scope, key: stored.key }),
          {
            requestHash: Buffer.from(stored.hash, 'hex'),
            status: stored.status,
            body: stored.body,
          },
        ]),
      ),
    };
  };

/**
 * Everything the batch changes, in one statement.
 * @param taken seats by screening
 */
const write =
  (tx: Queryable) =>
  async (
    bookings: readonly Booking[],
    taken: ReadonlyMap<number, number>,
    keys: readonly NewKey[],
  ): Promise<void> => {
    const columns = [
      bookings.map((it) => it.id),
      bookings.map((it) => it.reference),
      bookings.map((it) => it.userId),
      bookings.map((it) => it.screeningId),
      bookings.map((it) => it.numTickets),
      bookings.map((it) => it.totalMinor),
      bookings.map((it) => it.currency),
      bookings.map((it) => it.createdAt.toISOString()),
      bookings.map((it) => it.expiresAt.toISOString()),
      [...taken.keys()],
      [...taken.values()],
    ];
    if (keys.length === 0) {
      await tx.query(writeWithoutKeys, columns, 'batch-write');
      return;
    }
    // Sorted: two batches with the same keys wait for each other instead of deadlocking.
    const sorted = keys.toSorted((a, b) => (keyId(a) < keyId(b) ? -1 : 1));
    await tx.query(
      writeWithKeys,
      [
        ...columns,
        sorted.map((k) => k.userId),
        sorted.map((k) => k.scope),
        sorted.map((k) => k.key),
        sorted.map((k) => k.requestHash.toString('hex')),
        sorted.map((k) => k.status),
        sorted.map((k) => k.body),
      ],
      'batch-write-keys',
    );
  };

/** Which of a batch's references are on disk. */
const findReferences =
  (tx: Queryable) =>
  async (references: readonly string[]): Promise<Set<string>> => {
    const rows = await tx.query<{ reference: string }>(
      'SELECT reference FROM bookings WHERE reference = ANY($1::text[])',
      [references],
    );
    return new Set(rows.map(({ reference }) => reference));
  };

export const makeBatchRepository = (tx: Queryable) => ({
  lockScreenings: lockScreenings(tx),
  findBlocked: findBlocked(tx),
  readView: readView(tx),
  write: write(tx),
  findReferences: findReferences(tx),
});

const toScreening = (row: ScreeningRow): LockedScreening => ({
  id: row.id,
  availableSeats: row.available_seats,
  status: row.status,
  started: row.started,
  now: row.now,
  priceMinor: row.price_minor,
  currency: row.currency,
});

const standingAndIds = `
  (SELECT json_agg(id) FROM users WHERE id = ANY($1::bigint[]) AND deleted_at IS NULL) AS standing,
  (SELECT json_agg(nextval('bookings_id_seq')) FROM generate_series(1, $2::int)) AS ids`;

const viewWithoutKeys = `SELECT ${standingAndIds}, NULL AS keys`;

const viewWithKeys = `SELECT ${standingAndIds},
  (SELECT json_agg(json_build_object('user_id', k.user_id, 'scope', k.scope, 'key', k.key,
     'hash', encode(k.request_hash, 'hex'), 'status', k.status, 'body', k.body))
   FROM bookings_idempotency_keys k
   JOIN unnest($3::bigint[], $4::text[], $5::text[]) AS asked (user_id, scope, key)
     USING (user_id, scope, key)) AS keys`;

const made = `made AS (
  INSERT INTO bookings (id, reference, user_id, screening_id, num_tickets, total_minor, currency, created_at, expires_at)
  SELECT * FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::bigint[], $5::int[], $6::bigint[], $7::text[],
    $8::timestamptz[], $9::timestamptz[])
)`;

const kept = `kept AS (
  INSERT INTO bookings_idempotency_keys (user_id, scope, key, request_hash, status, body)
  SELECT user_id, scope, key, decode(hash, 'hex'), status, body
  FROM unnest($12::bigint[], $13::text[], $14::text[], $15::text[], $16::int[], $17::text[])
    AS k (user_id, scope, key, hash, status, body)
)`;

const takeSeats = `
  UPDATE screenings s SET available_seats = s.available_seats - taken.seats
  FROM unnest($10::bigint[], $11::int[]) AS taken (id, seats) WHERE s.id = taken.id`;

const writeWithoutKeys = `WITH ${made} ${takeSeats}`;
const writeWithKeys = `WITH ${made}, ${kept} ${takeSeats}`;
