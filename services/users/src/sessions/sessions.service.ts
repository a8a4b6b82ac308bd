import { createHash, randomBytes, randomUUID } from 'node:crypto';

import type { Database, Queryable } from '@movie-ticketing/kit/database';
import { Problem } from '@movie-ticketing/kit/problems';

import type { RecordEvent, SecurityEvents } from '../security-events/security-events.ts';
import { makeKnownNetworksRepository } from '../sign-in/known-networks.repository.ts';
import { networkHash } from '../sign-in/subjects.ts';
import { makeUsersRepository } from '../users/users.repository.ts';
import type { User } from '../users/users.schema.ts';
import type { AccessTokens } from './access-tokens.ts';
import { makeRefreshTokensRepository, type RefreshToken } from './refresh-tokens.repository.ts';
import type { TokenSet } from './sessions.schema.ts';

/** A session that a transaction has opened; its tokens are signed after the commit. */
export type OpenedSession = { user: User; refreshToken: string };

export type SessionsService = {
  /** Opens a session inside a transaction that holds the user's lock, and remembers the network. */
  open(tx: Queryable, user: User, network: string): Promise<OpenedSession>;
  /** Ends every session of a user inside a transaction that holds the user's lock. */
  endAll(tx: Queryable, userId: number): Promise<void>;
  /** After the commit: the tokens for the client. */
  sign(session: OpenedSession): Promise<TokenSet>;
  /** @throws Problem `invalid_refresh_token` */
  refresh(refreshToken: string, requestId: string): Promise<TokenSet>;
  /** Ends the session of a refresh token if it belongs to the user. */
  close(userId: number, refreshToken: string): Promise<void>;
};

type Parts = {
  db: Database;
  events: SecurityEvents;
  accessTokens: AccessTokens;
  refreshTokenDays: number;
};

/**
 * Sessions: families of refresh tokens, each valid for one use. Only their hashes are stored.
 *
 * Of two uses of one token at the same time one succeeds and the other counts as reuse, which ends the
 * session. There is no grace period of a few seconds: within it a thief's use would pass for the
 * owner's and never be noticed. The price is that a client must refresh one at a time, and sign in again
 * when the response to a refresh was lost.
 *
 * Every function locks the user first. So a session that is being revoked cannot get another token
 * meanwhile, and no session outlives a password change or a deletion at the same time.
 */
export const makeSessionsService = (parts: Parts): SessionsService => {
  const { db, events, accessTokens, refreshTokenDays } = parts;
  const sign: SessionsService['sign'] = async ({ user, refreshToken }) => ({
    user,
    accessToken: await accessTokens.sign(user),
    expiresIn: accessTokens.lifetimeSeconds,
    refreshToken,
  });
  return {
    open: async (tx, user, network) => {
      await makeKnownNetworksRepository(tx).remember(user.id, networkHash(network));
      const session = { userId: user.id, sessionId: randomUUID() };
      return { user, refreshToken: await issueToken(tx, session, refreshTokenDays) };
    },

    endAll: (tx, userId) => makeRefreshTokensRepository(tx).revokeAll(userId),

    sign,

    refresh: async (refreshToken, requestId) => {
      const hash = hashToken(refreshToken);
      // The transaction commits in any case: a rollback would undo the revocation.
      const rotated = await events.transaction((tx, record) =>
        rotateToken(tx, hash, { record, requestId, refreshTokenDays }),
      );
      if (rotated === undefined) {
        throw new Problem('invalid_refresh_token', {
          detail: 'The refresh token was used or revoked or has expired. Sign in again.',
        });
      }
      return sign(rotated);
    },

    close: (userId, refreshToken) =>
      db.transaction(async (tx) => {
        if ((await makeUsersRepository(tx).lock(userId)) === undefined) return;
        const tokens = makeRefreshTokensRepository(tx);
        const token = await tokens.find(hashToken(refreshToken));
        if (token?.userId === userId) await tokens.revokeSession(token.sessionId);
      }),
  };
};

type TokenDecision = 'rotate' | 'reused' | 'refuse';

/** A used token that comes back was copied: either this use or the first one is a thief's. */
export const decideRefresh = (token: RefreshToken | undefined): TokenDecision => {
  if (token === undefined || token.isRevoked) return 'refuse';
  if (token.isUsed) return 'reused';
  return token.isExpired ? 'refuse' : 'rotate';
};

const hashToken = (token: string): Buffer => createHash('sha256').update(token).digest();

const issueToken = async (
  tx: Queryable,
  session: { userId: number; sessionId: string },
  lifetimeDays: number,
): Promise<string> => {
  const token = randomBytes(32).toString('base64url');
  await makeRefreshTokensRepository(tx).insert({
    ...session,
    tokenHash: hashToken(token),
    lifetimeDays,
  });
  return token;
};

/** Undefined where the token is refused. */
const rotateToken = async (
  tx: Queryable,
  hash: Buffer,
  options: { record: RecordEvent; requestId: string; refreshTokenDays: number },
): Promise<OpenedSession | undefined> => {
  const tokens = makeRefreshTokensRepository(tx);
  const unlocked = await tokens.find(hash);
  if (unlocked === undefined) return undefined;
  const user = await makeUsersRepository(tx).lock(unlocked.userId);
  if (user === undefined) return undefined;
  const token = await tokens.find(hash); // read again: another use may have come first
  const decision = decideRefresh(token);
  if (token === undefined || decision === 'refuse') return undefined;
  const { requestId, refreshTokenDays } = options;
  if (decision === 'reused') {
    await tokens.revokeSession(token.sessionId);
    const event = { event: 'refresh_token_reused', actorId: null, userId: user.id } as const;
    await options.record({ ...event, requestId });
    return undefined;
  }
  await tokens.markUsed(token.id);
  const session = { userId: user.id, sessionId: token.sessionId };
  return { user, refreshToken: await issueToken(tx, session, refreshTokenDays) };
};
