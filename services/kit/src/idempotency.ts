import { createHash } from 'node:crypto';

import type { Database, Queryable } from './database.ts';
import type { ApiResponse, IdempotentRequest } from './endpoint.ts';
import { Problem } from './problems.ts';
import { deleteInBatches } from './prune.ts';
import { isUniqueViolation } from './sqlstate.ts';

/**
 * Answers stored under `Idempotency-Key`, in the transaction of their effect: either both are on disk
 * or neither. Only good answers and settled payments are stored; a refusal leaves the key free.
 */
export type KeyTable = 'catalog_idempotency_keys' | 'bookings_idempotency_keys';

type KeyRow = { request_hash: Buffer; status: number | null; body: string | null };

export const hashRequest = (body: unknown): Buffer =>
  createHash('sha256')
    .update(JSON.stringify(body ?? null))
    .digest();

export const replayed = (status: number, json: string): ApiResponse => ({
  status,
  ...(status === 204 ? {} : { json }),
  headers: {
    'Idempotent-Replayed': 'true',
    ...(status >= 400 ? { 'Content-Type': 'application/problem+json; charset=utf-8' } : {}),
  },
});

export const keyReused = (): Problem =>
  new Problem('idempotency_key_reused', {
    detail: 'This Idempotency-Key was used with another body: make a new key for a new request.',
  });

export const keyInFlight = (): Problem =>
  new Problem('idempotency_key_in_flight', {
    detail: 'The first request with this Idempotency-Key has no answer yet: repeat it shortly.',
    retryAfter: 1,
  });

/** The stored answer, or undefined while the key is free. Refuses another body. */
export const findAnswer = async (
  db: Queryable,
  table: KeyTable,
  request: IdempotentRequest,
): Promise<ApiResponse | undefined> => {
  const [row] = await db.query<KeyRow>(
    `SELECT request_hash, status, body FROM ${table} WHERE user_id = $1 AND scope = $2 AND key = $3`,
    [request.userId, request.scope, request.key],
  );
  if (row === undefined) return undefined;
  if (!row.request_hash.equals(request.requestHash)) throw keyReused();
  if (row.status === null || row.body === null) throw keyInFlight();
  return replayed(row.status, row.body);
};

export const saveAnswer = async (
  tx: Queryable,
  table: KeyTable,
  request: IdempotentRequest,
  answer: ApiResponse,
): Promise<void> => {
  await tx.query(
    `INSERT INTO ${table} (user_id, scope, key, request_hash, status, body) VALUES ($1, $2, $3, $4, $5, $6)`,
    [
      request.userId,
      request.scope,
      request.key,
      request.requestHash,
      answer.status,
      answer.json ?? (answer.body === undefined ? '' : JSON.stringify(answer.body)),
    ],
  );
};

const isKeyTaken = (error: unknown, table: KeyTable): boolean =>
  isUniqueViolation(error, `${table}_pkey`);

/**
 * Runs `work` in a transaction and stores its answer under the request's key, if it has one.
 * A repeat that races its first waits on a row or on the key itself. When it loses, by the key or by
 * what the first one changed, its own work is rolled back and the stored answer is given.
 */
export const withIdempotency = async (
  db: Database,
  table: KeyTable,
  request: IdempotentRequest | undefined,
  work: (tx: Queryable) => Promise<ApiResponse>,
): Promise<ApiResponse> => {
  if (request === undefined) return db.transaction(work);
  const stored = await findAnswer(db, table, request);
  if (stored !== undefined) return stored;
  try {
    return await db.transaction(async (tx) => {
      const answer = await work(tx);
      await saveAnswer(tx, table, request, answer);
      return answer;
    });
  } catch (error) {
    if (!(error instanceof Problem) && !isKeyTaken(error, table)) throw error;
    const winner = await findAnswer(db, table, request);
    if (winner !== undefined) return winner;
    throw error instanceof Problem ? error : keyInFlight();
  }
};

/**
 * Deletes a batch of the answers that are older than 24 hours.
 * @returns whether more remain
 */
export const pruneAnswers = (db: Database, table: KeyTable): Promise<boolean> =>
  deleteInBatches(db, {
    table,
    where: "created_at < clock_timestamp() - interval '24 hours'",
    oldestFirst: 'created_at',
  });
