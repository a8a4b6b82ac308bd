import { hash } from 'node:crypto';

import type { Database, Queryable } from './database.ts';
import type { ApiResponse } from './endpoint.ts';
import { Problem } from './problems.ts';
import { deleteInBatches } from './prune.ts';
import { isUniqueViolation } from './sqlstate.ts';

/** A request that carries `Idempotency-Key`, scoped to user, method and path. */
export type IdempotentRequest = {
  userId: number;
  /** `POST /bookings/12/cancel` */
  scope: string;
  key: string;
  /** The first 16 bytes of the SHA-256 of the parsed body. */
  requestHash: Buffer;
};

/** The result of a request, and whether an earlier request with the same key produced it. */
export type Replayable<Result> = { result: Result; isReplay: boolean };

/**
 * Where the results of one kind of request are stored under their keys, in the transaction of their
 * effect: either both are on disk or neither. Refusals are not stored, so that they leave the key free.
 */
export type KeyStore<Result> = {
  /** The primary key (user, scope, key), which lets one of two first requests win. */
  constraint: string;
  find(
    db: Queryable,
    request: IdempotentRequest,
  ): Promise<{ requestHash: Buffer; result: Result } | undefined>;
  save(tx: Queryable, request: IdempotentRequest, result: Result): Promise<void>;
};

/** One of these is stored with every booking that has a key: 16 bytes tell bodies apart. */
export const hashRequest = (body: unknown): Buffer =>
  hash('sha256', JSON.stringify(body ?? null), 'buffer').subarray(0, 16);

export const keyReused = (): Problem =>
  new Problem('idempotency_key_reused', {
    detail: 'This Idempotency-Key was used with another body. Use a new key for a new request.',
  });

export const keyInFlight = (): Problem =>
  new Problem('idempotency_key_in_flight', {
    detail: 'The first request with this Idempotency-Key has no response yet. Repeat it shortly.',
    retryAfter: 1,
  });

/** The response as it is sent: a replay has the header `Idempotent-Replayed`. */
export const withReplayHeader = (response: ApiResponse, isReplay: boolean): ApiResponse =>
  isReplay
    ? { ...response, headers: { ...response.headers, 'Idempotent-Replayed': 'true' } }
    : response;

/**
 * Runs `work` in a transaction and stores its result under the request's key, if it has one.
 * A repeat that races with the first request waits on a row or on the key itself. When it loses, by the
 * key or by what the first request changed, its own work is rolled back and the stored result returned.
 */
export const runOnce = async <Result>(
  db: Database,
  store: KeyStore<Result>,
  request: IdempotentRequest | undefined,
  work: (tx: Queryable) => Promise<Result>,
): Promise<Replayable<Result>> => {
  if (request === undefined) return { result: await db.transaction(work), isReplay: false };
  const stored = await findResult(db, store, request);
  if (stored !== undefined) return stored;
  try {
    const result = await db.transaction(async (tx) => {
      const made = await work(tx);
      await store.save(tx, request, made);
      return made;
    });
    return { result, isReplay: false };
  } catch (error) {
    const isKeyTaken = isUniqueViolation(error, store.constraint);
    if (!(error instanceof Problem) && !isKeyTaken) throw error;
    const winner = await findResult(db, store, request);
    if (winner !== undefined) return winner;
    throw error instanceof Problem ? error : keyInFlight();
  }
};

const findResult = async <Result>(
  db: Queryable,
  store: KeyStore<Result>,
  request: IdempotentRequest,
): Promise<Replayable<Result> | undefined> => {
  const stored = await store.find(db, request);
  if (stored === undefined) return undefined;
  if (!stored.requestHash.equals(request.requestHash)) throw keyReused();
  return { result: stored.result, isReplay: true };
};

type ResponseRow = {
  request_hash: Buffer;
  status: number;
  headers: Record<string, string>;
  body: string;
};

/** Keeps whole responses, for results that change later and cannot be read from their rows again. */
const storedResponses = (table: 'catalog_idempotency_keys'): KeyStore<ApiResponse> => ({
  constraint: `${table}_pkey`,
  find: async (db, { userId, scope, key }) => {
    const [row] = await db.query<ResponseRow>(
      `SELECT request_hash, status, headers, body FROM ${table}
       WHERE user_id = $1 AND scope = $2 AND key = $3`,
      [userId, scope, key],
    );
    if (row === undefined) return undefined;
    const { status, headers, body } = row;
    return {
      requestHash: row.request_hash,
      result: { status, headers, ...(body === '' ? {} : { json: body }) },
    };
  },
  save: async (tx, { userId, scope, key, requestHash }, { status, headers, body, json }) => {
    const text = json ?? (body === undefined ? '' : JSON.stringify(body));
    await tx.query(
      `INSERT INTO ${table} (user_id, scope, key, request_hash, status, headers, body)
       VALUES ($1, $2, $3, $4, $5, $6, $7)`,
      [userId, scope, key, requestHash, status, JSON.stringify(headers ?? {}), text],
    );
  },
});

/** `runOnce` for work that returns a response: status, headers and body are stored and replayed. */
export const withIdempotency = async (
  db: Database,
  table: 'catalog_idempotency_keys',
  request: IdempotentRequest | undefined,
  work: (tx: Queryable) => Promise<ApiResponse>,
): Promise<ApiResponse> => {
  const { result, isReplay } = await runOnce(db, storedResponses(table), request, work);
  return withReplayHeader(result, isReplay);
};

/**
 * Deletes a batch of the keys that are older than 24 hours.
 * @returns whether more remain
 */
export const pruneAnswers = (
  db: Database,
  table: 'catalog_idempotency_keys' | 'bookings_idempotency_keys',
): Promise<boolean> =>
  deleteInBatches(db, {
    table,
    where: "created_at < clock_timestamp() - interval '24 hours'",
    oldestFirst: 'created_at',
  });
