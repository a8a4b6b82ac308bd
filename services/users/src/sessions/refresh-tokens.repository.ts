import type { Queryable } from '@movie-ticketing/kit/database';
import type { ExpiredRows } from '@movie-ticketing/kit/prune';

/** The state of a refresh token. The token itself is not stored. */
export type RefreshToken = {
  id: number;
  sessionId: string;
  userId: number;
  isUsed: boolean;
  isRevoked: boolean;
  isExpired: boolean;
};

const columns = `id, session_id, user_id, used_at IS NOT NULL AS is_used,
  revoked_at IS NOT NULL AS is_revoked, expires_at <= clock_timestamp() AS is_expired`;

type RefreshTokenRow = {
  id: number;
  session_id: string;
  user_id: number;
  is_used: boolean;
  is_revoked: boolean;
  is_expired: boolean;
};

const toRefreshToken = (row: RefreshTokenRow): RefreshToken => ({
  id: row.id,
  sessionId: row.session_id,
  userId: row.user_id,
  isUsed: row.is_used,
  isRevoked: row.is_revoked,
  isExpired: row.is_expired,
});

export type NewRefreshToken = {
  sessionId: string;
  userId: number;
  tokenHash: Buffer;
  lifetimeDays: number;
};

/** Used and revoked tokens are kept until they expire, so that their reuse is noticed. */
export const expiredRefreshTokens: ExpiredRows = {
  table: 'refresh_tokens',
  where: 'expires_at < clock_timestamp()',
  oldestFirst: 'expires_at',
};

export const makeRefreshTokensRepository = (db: Queryable) => ({
  find: async (tokenHash: Buffer): Promise<RefreshToken | undefined> => {
    const rows = await db.query<RefreshTokenRow>(
      `SELECT ${columns} FROM refresh_tokens WHERE token_hash = $1`,
      [tokenHash],
      'users.refresh_tokens.find',
    );
    return rows.map(toRefreshToken)[0];
  },

  insert: async (token: NewRefreshToken): Promise<void> => {
    await db.query(
      `INSERT INTO refresh_tokens (session_id, user_id, token_hash, expires_at)
       VALUES ($1, $2, $3, clock_timestamp() + make_interval(days => $4))`,
      [token.sessionId, token.userId, token.tokenHash, token.lifetimeDays],
      'users.refresh_tokens.insert',
    );
  },

  markUsed: async (id: number): Promise<void> => {
    await db.query('UPDATE refresh_tokens SET used_at = clock_timestamp() WHERE id = $1', [id]);
  },

  revokeSession: async (sessionId: string): Promise<void> => {
    await db.query(
      `UPDATE refresh_tokens SET revoked_at = clock_timestamp()
        WHERE session_id = $1 AND revoked_at IS NULL`,
      [sessionId],
    );
  },

  revokeAll: async (userId: number): Promise<void> => {
    await db.query(
      `UPDATE refresh_tokens SET revoked_at = clock_timestamp()
        WHERE user_id = $1 AND revoked_at IS NULL`,
      [userId],
    );
  },
});
