import type { Database } from './database.ts';

/** Rows to delete. The names and the condition are constants of the code, never input. */
export type ExpiredRows = {
  table: string;
  /** Which rows have expired, as SQL: `expires_at < clock_timestamp()`. */
  where: string;
  /** The indexed column of `where`: the oldest rows are deleted first. */
  oldestFirst: string;
  /** Rows per statement. A statement must end well within its time-out, even on a slow disk. */
  batchSize?: number;
};

const pruneBatchSize = 1_000;

/**
 * Deletes one batch of expired rows, so that no statement grows with the number of rows: one DELETE
 * over millions of rows would exceed its time-out, be rolled back and start again, without end.
 * One process at a time deletes from a table; another one returns at once.
 * @returns whether more expired rows may remain: a worker then calls again without a pause
 */
export const deleteInBatches = (db: Database, rows: ExpiredRows): Promise<boolean> => {
  const { table, where, oldestFirst, batchSize = pruneBatchSize } = rows;
  return db.transaction(async (tx) => {
    const [lock] = await tx.query<{ locked: boolean }>(
      'SELECT pg_try_advisory_xact_lock(hashtext($1)) AS locked',
      [`prune ${table}`],
    );
    if (lock?.locked !== true) return false;
    // The condition is repeated, so that a row that was renewed after the subquery read it is kept.
    const deleted = await tx.query(
      `DELETE FROM ${table} WHERE ${where} AND ctid = ANY (ARRAY(
         SELECT ctid FROM ${table} WHERE ${where} ORDER BY ${oldestFirst} LIMIT $1))
       RETURNING 1`,
      [batchSize],
    );
    return deleted.length === batchSize;
  });
};
