import { createHash, randomBytes, randomUUID } from 'node:crypto';

import type { Database, Queryable } from '@movie-ticketing/kit/database';
import { Problem } from '@movie-ticketing/kit/problems';

import type { AccessTokens } from './access-tokens.ts';
import type { Account } from './account.ts';
import { makeRefreshTokensRepository, type RefreshToken } from './refresh-tokens.repository.ts';
import { makeUsersRepository } from './users.repository.ts';

export type TokenSet = {
  account: Account;
  accessToken: string;
  expiresIn: number;
  refreshToken: string;
};

export type Sessions = {
  /** Begins a sign-in inside a transaction that holds the account's lock. @returns its refresh token */
  open(tx: Queryable, userId: number): Promise<string>;
  /** Ends every sign-in of an account, inside a transaction that holds its lock. */
  endAll(tx: Queryable, userId: number): Promise<void>;
  /** After the commit: the tokens of a sign-in, as a client gets them. */
  present(account: Account, refreshToken: string): Promise<TokenSet>;
  /** @throws Problem `invalid_refresh_token` */
  refresh(refreshToken: string): Promise<TokenSet>;
  /** Ends the sign-in that a token belongs to, if it belongs to the current user. */
  close(userId: number, refreshToken: string): Promise<void>;
};

type Verdict = 'rotate' | 'reused' | 'refuse';

/** A used token that comes back was copied, by whoever uses it second or whoever used it first. */
export const judge = (token: RefreshToken | undefined): Verdict => {
  if (token === undefined || token.isRevoked) return 'refuse';
  if (token.isUsed) return 'reused';
  return token.isExpired ? 'refuse' : 'rotate';
};

const hashOf = (token: string): Buffer => createHash('sha256').update(token).digest();

/**
 * Sign-ins: families of refresh tokens, each good for one use, only their hashes kept.
 *
 * Of two uses of one token at once, one wins and the other counts as reuse, which ends the sign-in.
 * There is no grace of a few seconds: within it a thief's use would pass for the owner's and go
 * unnoticed for good. The price is that a client must refresh one at a time, and signs in again when
 * the answer to a refresh got lost.
 *
 * Everything here locks the account first. So a family that is being revoked cannot grow a token
 * meanwhile, and no sign-in outlives a password change or a deletion that raced it.
 */
export const makeSessions = (options: {
  db: Database;
  accessTokens: AccessTokens;
  refreshTokenDays: number;
}): Sessions => {
  const { db, accessTokens, refreshTokenDays } = options;
  const present: Sessions['present'] = async (account, refreshToken) => ({
    account,
    accessToken: await accessTokens.sign(account),
    expiresIn: accessTokens.lifetimeSeconds,
    refreshToken,
  });
  return {
    open: (tx, userId) => issue(tx, { userId, familyId: randomUUID() }, refreshTokenDays),
    endAll: (tx, userId) => makeRefreshTokensRepository(tx).revokeAll(userId),
    present,
    refresh: async (refreshToken) => {
      const hash = hashOf(refreshToken);
      const rotated = await db.transaction((tx) => rotate(tx, hash, refreshTokenDays));
      if (rotated === undefined) {
        throw new Problem('invalid_refresh_token', {
          detail: 'It was used, revoked or has expired: sign in again.',
        });
      }
      return present(rotated.account, rotated.refreshToken);
    },
    close: (userId, refreshToken) =>
      db.transaction(async (tx) => {
        if ((await makeUsersRepository(tx).lock(userId)) === undefined) return;
        const tokens = makeRefreshTokensRepository(tx);
        const token = await tokens.find(hashOf(refreshToken));
        if (token?.userId === userId) await tokens.revokeFamily(token.familyId);
      }),
  };
};

const issue = async (
  tx: Queryable,
  owner: { userId: number; familyId: string },
  lifetimeDays: number,
): Promise<string> => {
  const token = randomBytes(32).toString('base64url');
  await makeRefreshTokensRepository(tx).add({ ...owner, hash: hashOf(token), lifetimeDays });
  return token;
};

/** Undefined: refused. Its transaction commits either way, or a revocation would be undone. */
const rotate = async (
  tx: Queryable,
  hash: Buffer,
  lifetimeDays: number,
): Promise<{ account: Account; refreshToken: string } | undefined> => {
  const tokens = makeRefreshTokensRepository(tx);
  const unlocked = await tokens.find(hash);
  if (unlocked === undefined) return undefined;
  const account = await makeUsersRepository(tx).lock(unlocked.userId);
  if (account === undefined) return undefined;
  const token = await tokens.find(hash); // again, for another use may have come first
  const verdict = judge(token);
  if (token === undefined || verdict === 'refuse') return undefined;
  if (verdict === 'reused') {
    await tokens.revokeFamily(token.familyId);
    return undefined;
  }
  await tokens.markUsed(token.id);
  const refreshToken = await issue(
    tx,
    { userId: account.id, familyId: token.familyId },
    lifetimeDays,
  );
  return { account, refreshToken };
};
