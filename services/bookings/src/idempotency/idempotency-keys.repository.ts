import type { Queryable } from '@movie-ticketing/kit/database';
import type { IdempotentRequest } from '@movie-ticketing/kit/idempotency';
import {
  insertRows,
  makeParameters,
  type Parameters,
  type RowColumns,
} from '@movie-ticketing/kit/statements';

/** The booking or payment that a request resulted in, and its outcome: null while it is not decided. */
export type KeyTarget =
  | { bookingId: number; paymentId: null; outcome: string }
  | { bookingId: null; paymentId: number; outcome: string | null };

export type StoredKey = KeyTarget & { requestHash: Buffer };

export type NewKey = KeyTarget & { request: IdempotentRequest };

type KeyRow = {
  request_hash: Buffer;
  booking_id: number | null;
  payment_id: number | null;
  outcome: string | null;
};

const columns = 'request_hash, booking_id, payment_id, outcome';

const toStoredKey = (row: KeyRow): StoredKey =>
  ({
    requestHash: row.request_hash,
    bookingId: row.booking_id,
    paymentId: row.payment_id,
    outcome: row.outcome,
  }) as StoredKey; // by the table's constraints

/** The primary key. */
export const keyColumns: RowColumns<IdempotentRequest> = {
  user_id: ['bigint', ({ userId }) => userId],
  scope: ['text', ({ scope }) => scope],
  key: ['text', ({ key }) => key],
};

const insertColumns: RowColumns<NewKey> = {
  user_id: ['bigint', ({ request }) => request.userId],
  scope: ['text', ({ request }) => request.scope],
  key: ['text', ({ request }) => request.key],
  request_hash: ['bytea', ({ request }) => request.requestHash],
  booking_id: ['bigint', ({ bookingId }) => bookingId],
  payment_id: ['bigint', ({ paymentId }) => paymentId],
  outcome: ['text', ({ outcome }) => outcome],
};

const order = ({ request: { userId, scope, key } }: NewKey): string =>
  `${String(userId)} ${scope} ${key}`;

/**
 * The write of new keys, step 6 of the lock order. Sorted: two batches with the same keys wait for each
 * other instead of deadlocking.
 */
export const insertKeys = (parameters: Parameters, keys: readonly NewKey[]): string =>
  insertRows(
    parameters,
    'bookings_idempotency_keys',
    keys.toSorted((a, b) => (order(a) < order(b) ? -1 : 1)),
    insertColumns,
  );

const insert =
  (db: Queryable) =>
  async (key: NewKey): Promise<void> => {
    const parameters = makeParameters();
    const text = insertKeys(parameters, [key]);
    await db.query(text, parameters.values);
  };

const find =
  (db: Queryable) =>
  async ({ userId, scope, key }: IdempotentRequest): Promise<StoredKey | undefined> => {
    const [row] = await db.query<KeyRow>(
      `SELECT ${columns} FROM bookings_idempotency_keys WHERE user_id = $1 AND scope = $2 AND key = $3`,
      [userId, scope, key],
    );
    return row && toStoredKey(row);
  };

/** Stores the outcome of a payment under the key that claimed it, if there is one. */
const settle =
  (db: Queryable) =>
  async (paymentId: number, outcome: string): Promise<void> => {
    await db.query(
      'UPDATE bookings_idempotency_keys SET outcome = $2 WHERE payment_id = $1 AND outcome IS NULL',
      [paymentId, outcome],
    );
  };

export const makeIdempotencyKeysRepository = (db: Queryable) => ({
  find: find(db),
  insert: insert(db),
  settle: settle(db),
});
