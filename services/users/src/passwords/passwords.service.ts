import { createHash, randomBytes } from 'node:crypto';

import type { Database } from '@movie-ticketing/kit/database';
import type { CurrentUser } from '@movie-ticketing/kit/current-user';
import { Problem, userDeleted } from '@movie-ticketing/kit/problems';

import type { SecurityEvents } from '../security-events/security-events.ts';
import type { TokenSet } from '../sessions/sessions.schema.ts';
import type { OpenedSession, SessionsService } from '../sessions/sessions.service.ts';
import type { SignInLimits } from '../sign-in/sign-in-limits.ts';
import { requireCurrentRole } from '../users/current-role.ts';
import { makeUsersRepository } from '../users/users.repository.ts';
import type { User } from '../users/users.schema.ts';
import type { FairQueue } from './fair-queue.ts';
import { makePasswordResetsRepository } from './password-resets.repository.ts';
import type { Passwords } from './passwords.ts';
import type { PasswordReset } from './passwords.schema.ts';

/** Where a request comes from. */
export type RequestOrigin = { network: string; requestId: string };

export type PasswordsService = {
  /**
   * Ends every session of the user and opens a new one.
   * @throws Problem `invalid_credentials`, `too_many_requests`, `overloaded`
   */
  change(
    userId: number,
    change: { current: string; next: string },
    origin: RequestOrigin,
  ): Promise<TokenSet>;
  /** @throws Problem `forbidden`, `not_found` */
  createReset(currentUser: CurrentUser, userId: number, requestId: string): Promise<PasswordReset>;
  /**
   * Sets the password of the token's user and ends every session of the user.
   * @throws Problem `invalid_reset_token`, `overloaded`
   */
  reset(use: { token: string; password: string }, origin: RequestOrigin): Promise<void>;
};

type Parts = {
  db: Database;
  passwords: Passwords;
  queue: FairQueue;
  lookups: FairQueue;
  limits: SignInLimits;
  sessions: SessionsService;
  events: SecurityEvents;
};

/** Long enough to hand the link over and use it. */
const resetMinutes = 60;

const hashToken = (token: string): Buffer => createHash('sha256').update(token).digest();

export const makePasswordsService = (parts: Parts): PasswordsService => ({
  change: async (userId, change, origin) => {
    const user = await findUser(parts.db, userId);
    const attempt = { email: user.email, userId, ...origin };
    const opened = await parts.limits.guess(attempt, () =>
      changePassword(parts, user, { ...change, ...origin }),
    );
    if (opened === undefined) {
      throw new Problem('invalid_credentials', { detail: 'The current password is wrong.' });
    }
    return parts.sessions.sign(opened);
  },

  createReset: (currentUser, userId, requestId) =>
    parts.events.transaction(async (tx, record) => {
      await requireCurrentRole(tx, currentUser, 'admin');
      if ((await makeUsersRepository(tx).lock(userId)) === undefined) {
        throw new Problem('not_found', { detail: 'User not found.' });
      }
      const token = randomBytes(32).toString('base64url');
      const resets = makePasswordResetsRepository(tx);
      const expiresAt = await resets.put(userId, hashToken(token), resetMinutes);
      const actorId = currentUser.userId;
      await record({ event: 'password_reset_created', actorId, userId, requestId });
      return { userId, token, expiresAt };
    }),

  reset: (use, origin) => resetPassword(parts, use, origin),
});

const findUser = async (db: Database, userId: number): Promise<User> => {
  const user = await makeUsersRepository(db).find(userId);
  if (user === undefined) throw userDeleted();
  return user;
};

/** Undefined where the current password is wrong. */
const changePassword = async (
  { passwords, sessions, events }: Parts,
  compared: User,
  change: { current: string; next: string; network: string; requestId: string },
): Promise<OpenedSession | undefined> => {
  if (!(await passwords.matches(change.current, compared.passwordHash))) return undefined;
  const passwordHash = await passwords.hash(change.next);
  return events.transaction(async (tx, record) => {
    const users = makeUsersRepository(tx);
    const user = await users.lock(compared.id);
    if (user === undefined) throw userDeleted();
    // Of two changes at the same time, the second has proved a password that is no longer current.
    if (user.passwordHash !== compared.passwordHash) return undefined;
    await makePasswordResetsRepository(tx).deleteOf(user.id);
    await sessions.endAll(tx, user.id);
    const { requestId } = change;
    await record({ event: 'password_changed', actorId: user.id, userId: user.id, requestId });
    return sessions.open(tx, await users.update(user.id, { passwordHash }), change.network);
  });
};

const resetPassword = async (
  { db, passwords, queue, lookups, limits, sessions, events }: Parts,
  { token, password }: { token: string; password: string },
  { network, requestId }: RequestOrigin,
): Promise<void> => {
  const tokenHash = hashToken(token);
  // No password is hashed for an unknown token.
  const client = { network, isKnown: false };
  const userId = await lookups.run(client, () =>
    makePasswordResetsRepository(db).findUser(tokenHash),
  );
  if (userId === undefined) throw invalidResetToken();
  const passwordHash = await queue.run(client, () => passwords.hash(password));
  const { email } = await events.transaction(async (tx, record) => {
    const users = makeUsersRepository(tx);
    const user = await users.lock(userId);
    const isValid = await makePasswordResetsRepository(tx).take(tokenHash);
    if (user === undefined || !isValid) throw invalidResetToken();
    await sessions.endAll(tx, userId);
    await record({ event: 'password_reset_used', actorId: null, userId, requestId });
    return users.update(userId, { passwordHash });
  });
  await limits.clear(email, network);
};

const invalidResetToken = (): Problem =>
  new Problem('invalid_reset_token', {
    detail:
      'The password reset token was used or replaced or has expired. Ask an admin for another.',
  });
