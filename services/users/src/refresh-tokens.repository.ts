import type { Queryable } from '@movie-ticketing/kit/database';

/** A refresh token as it stands now; the token itself is nowhere kept. */
export type RefreshToken = {
  id: number;
  /** The sign-in it belongs to: tokens that came one from the other. */
  familyId: string;
  userId: number;
  isUsed: boolean;
  isRevoked: boolean;
  isExpired: boolean;
};

type Row = {
  id: number;
  family_id: string;
  user_id: number;
  is_used: boolean;
  is_revoked: boolean;
  is_expired: boolean;
};

const columns = `id, family_id, user_id, used_at IS NOT NULL AS is_used,
  revoked_at IS NOT NULL AS is_revoked, expires_at <= clock_timestamp() AS is_expired`;

const toRefreshToken = (row: Row): RefreshToken => ({
  id: row.id,
  familyId: row.family_id,
  userId: row.user_id,
  isUsed: row.is_used,
  isRevoked: row.is_revoked,
  isExpired: row.is_expired,
});

export const makeRefreshTokensRepository = (db: Queryable) => ({
  add: async (token: {
    familyId: string;
    userId: number;
    hash: Buffer;
    lifetimeDays: number;
  }): Promise<void> => {
    await db.query(
      `INSERT INTO refresh_tokens (family_id, user_id, token_hash, expires_at)
       VALUES ($1, $2, $3, clock_timestamp() + make_interval(days => $4))`,
      [token.familyId, token.userId, token.hash, token.lifetimeDays],
      'refresh-tokens.add',
    );
  },

  find: async (hash: Buffer): Promise<RefreshToken | undefined> => {
    const rows = await db.query<Row>(
      `SELECT ${columns} FROM refresh_tokens WHERE token_hash = $1`,
      [hash],
      'refresh-tokens.find',
    );
    return rows.map(toRefreshToken)[0];
  },

  markUsed: async (id: number): Promise<void> => {
    await db.query('UPDATE refresh_tokens SET used_at = clock_timestamp() WHERE id = $1', [id]);
  },

  revokeFamily: async (familyId: string): Promise<void> => {
    await db.query(
      `UPDATE refresh_tokens SET revoked_at = clock_timestamp()
        WHERE family_id = $1 AND revoked_at IS NULL`,
      [familyId],
    );
  },

  revokeAll: async (userId: number): Promise<void> => {
    await db.query(
      `UPDATE refresh_tokens SET revoked_at = clock_timestamp()
        WHERE user_id = $1 AND revoked_at IS NULL`,
      [userId],
    );
  },

  /**
   * Used and revoked tokens stay until they expire, so that their reuse is noticed.
   * @returns how many were removed, `count` at most
   */
  removeExpired: async (count: number): Promise<number> => {
    const rows = await db.query(
      `DELETE FROM refresh_tokens WHERE id IN (
         SELECT id FROM refresh_tokens WHERE expires_at < clock_timestamp()
          ORDER BY expires_at LIMIT $1 FOR UPDATE SKIP LOCKED)
       RETURNING 1`,
      [count],
    );
    return rows.length;
  },
});
