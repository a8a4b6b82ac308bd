import { onlyRow, type Queryable } from '@movie-ticketing/kit/database';
import type { ExpiredRows } from '@movie-ticketing/kit/prune';

export const expiredPasswordResets: ExpiredRows = {
  table: 'password_resets',
  where: 'expires_at < clock_timestamp()',
  oldestFirst: 'expires_at',
};

/** One-time tokens that set a new password, by their hashes. A user has one at most. */
export const makePasswordResetsRepository = (db: Queryable) => ({
  /** Replaces an earlier one of the user. @returns when it expires */
  put: async (userId: number, tokenHash: Buffer, lifetimeMinutes: number): Promise<Date> => {
    const rows = await db.query<{ expires_at: Date }>(
      `INSERT INTO password_resets (user_id, token_hash, expires_at)
       VALUES ($1, $2, clock_timestamp() + make_interval(mins => $3))
       ON CONFLICT (user_id) DO UPDATE SET token_hash = EXCLUDED.token_hash,
         created_at = clock_timestamp(), expires_at = EXCLUDED.expires_at
       RETURNING expires_at`,
      [userId, tokenHash, lifetimeMinutes],
    );
    return onlyRow(rows).expires_at;
  },

  /** The user of a token that has not expired. */
  findUser: async (tokenHash: Buffer): Promise<number | undefined> => {
    const rows = await db.query<{ user_id: number }>(
      'SELECT user_id FROM password_resets WHERE token_hash = $1 AND expires_at > clock_timestamp()',
      [tokenHash],
    );
    return rows[0]?.user_id;
  },

  /** Uses a token up. @returns whether it was there and had not expired */
  take: async (tokenHash: Buffer): Promise<boolean> => {
    const rows = await db.query(
      `DELETE FROM password_resets WHERE token_hash = $1 AND expires_at > clock_timestamp()
       RETURNING 1`,
      [tokenHash],
    );
    return rows.length === 1;
  },

  deleteOf: async (userId: number): Promise<void> => {
    await db.query('DELETE FROM password_resets WHERE user_id = $1', [userId]);
  },
});
