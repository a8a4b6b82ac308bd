import type { Queryable } from '@movie-ticketing/kit/database';

export const makeSignInLimitsRepository = (db: Queryable) => ({
  /**
   * Counts an attempt in one statement, so that attempts at the same time queue for the row.
   * @returns whether it was among the `maximum` of this window; if not, it is not counted
   */
  reserve: async (subject: Buffer, maximum: number, windowSeconds: number): Promise<boolean> => {
    const rows = await db.query(
      `INSERT INTO sign_in_failures AS f (subject, failures, window_ends)
       VALUES ($1, 1, clock_timestamp() + make_interval(secs => $3))
       ON CONFLICT (subject) DO UPDATE SET
         failures = CASE WHEN f.window_ends <= clock_timestamp() THEN 1 ELSE f.failures + 1 END,
         window_ends = CASE WHEN f.window_ends <= clock_timestamp()
                            THEN EXCLUDED.window_ends ELSE f.window_ends END
       WHERE f.window_ends <= clock_timestamp() OR f.failures < $2
       RETURNING 1`,
      [subject, maximum, windowSeconds],
      'sign-in-limits.reserve',
    );
    return rows.length === 1;
  },

  /** Seconds until the window ends, at least one. */
  secondsLeft: async (subject: Buffer): Promise<number> => {
    const rows = await db.query<{ seconds: number }>(
      `SELECT greatest(1, ceil(extract(epoch FROM window_ends - clock_timestamp())))::int AS seconds
         FROM sign_in_failures WHERE subject = $1`,
      [subject],
    );
    return rows[0]?.seconds ?? 1;
  },

  /** Takes back an attempt that was no guess: it never came to a comparison. */
  release: async (subject: Buffer): Promise<void> => {
    await db.query(
      'UPDATE sign_in_failures SET failures = failures - 1 WHERE subject = $1 AND failures > 0',
      [subject],
    );
  },

  clear: async (subject: Buffer): Promise<void> => {
    await db.query(
      'DELETE FROM sign_in_failures WHERE subject = $1',
      [subject],
      'sign-in-limits.clear',
    );
  },

  /** @returns how many were removed, `count` at most */
  removeOver: async (count: number): Promise<number> => {
    const rows = await db.query(
      `DELETE FROM sign_in_failures WHERE subject IN (
         SELECT subject FROM sign_in_failures WHERE window_ends < clock_timestamp()
          ORDER BY window_ends LIMIT $1 FOR UPDATE SKIP LOCKED)
       RETURNING 1`,
      [count],
    );
    return rows.length;
  },
});
