import { randomBytes } from 'node:crypto';

import type { Database, Queryable } from '@movie-ticketing/kit/database';
import type { CurrentUser, Role } from '@movie-ticketing/kit/current-user';
import type { Verify } from '@movie-ticketing/kit/endpoint';
import { toPage } from '@movie-ticketing/kit/pagination';
import { Problem, userDeleted } from '@movie-ticketing/kit/problems';

import type { Passwords } from '../passwords/passwords.ts';
import { makePasswordResetsRepository } from '../passwords/password-resets.repository.ts';
import type { SecurityEvents } from '../security-events/security-events.ts';
import { makeRefreshTokensRepository } from '../sessions/refresh-tokens.repository.ts';
import { makeKnownNetworksRepository } from '../sign-in/known-networks.repository.ts';
import { requireCurrentRole } from './current-role.ts';
import { makeUsersRepository } from './users.repository.ts';
import type { User } from './users.schema.ts';

export type AdminOutcome =
  | { kind: 'created'; generatedPassword: string | undefined }
  /** The user exists already and is unchanged. */
  | { kind: 'exists'; role: Role };

export type UsersService = {
  /** @throws Problem `unauthenticated` */
  find(userId: number): Promise<User>;
  /** @throws Problem `unauthenticated`, `last_admin` */
  remove(userId: number, verify: Verify<User>, requestId: string): Promise<void>;
  /** @throws Problem `forbidden` */
  list(
    currentUser: CurrentUser,
    page: { after: number; limit: number; email?: string },
  ): Promise<{ users: User[]; nextCursor: string | null }>;
  /** @throws Problem `not_found`, `last_admin`, `forbidden` */
  changeRole(currentUser: CurrentUser, change: RoleChange): Promise<User>;
  /** Creates the admin if no user has the e-mail address; never changes an existing user. */
  ensureAdmin(admin: { email: string; password: string | undefined }): Promise<AdminOutcome>;
};

type RoleChange = { userId: number; role: Role; verify: Verify<User>; requestId: string };

type Parts = { db: Database; passwords: Passwords; events: SecurityEvents };

export const makeUsersService = (parts: Parts): UsersService => ({
  find: async (userId) => {
    const user = await makeUsersRepository(parts.db).find(userId);
    if (user === undefined) throw userDeleted();
    return user;
  },

  remove: (userId, verify, requestId) => removeUser(parts, userId, verify, requestId),

  list: async (currentUser, { after, limit, email }) => {
    await requireCurrentRole(parts.db, currentUser, 'staff');
    const found = await makeUsersRepository(parts.db).list({
      after,
      count: limit + 1,
      ...(email === undefined ? {} : { email }),
    });
    const { rows, nextCursor } = toPage('users', found, limit, ({ id }) => [id]);
    return { users: rows, nextCursor };
  },

  changeRole: (currentUser, change) => changeRole(parts, currentUser, change),

  ensureAdmin: (admin) => ensureAdmin(parts, admin),
});

const removeUser = (
  { events }: Parts,
  userId: number,
  verify: Verify<User>,
  requestId: string,
): Promise<void> =>
  events.transaction(async (tx, record) => {
    const users = makeUsersRepository(tx);
    await users.lockAdmins();
    const user = await users.lock(userId);
    if (user === undefined) throw userDeleted();
    verify(user);
    await refuseLastAdmin(tx, user);
    await makeRefreshTokensRepository(tx).revokeAll(userId);
    await makePasswordResetsRepository(tx).deleteOf(userId);
    await makeKnownNetworksRepository(tx).deleteOf(userId);
    await users.softDelete(userId);
    await record({ event: 'user_deleted', actorId: userId, userId, requestId });
  });

const changeRole = (
  { events }: Parts,
  currentUser: CurrentUser,
  { userId, role, verify, requestId }: RoleChange,
): Promise<User> =>
  events.transaction(async (tx, record) => {
    const users = makeUsersRepository(tx);
    await users.lockAdmins();
    await requireCurrentRole(tx, currentUser, 'admin');
    const user = await users.lock(userId);
    if (user === undefined) throw new Problem('not_found', { detail: 'User not found.' });
    verify(user);
    if (role === user.role) return user;
    if (role !== 'admin') await refuseLastAdmin(tx, user);
    await record({
      event: 'role_changed',
      actorId: currentUser.userId,
      userId,
      oldRole: user.role,
      newRole: role,
      requestId,
    });
    return users.update(userId, { role });
  });

/** Needs the lock on the set of admins, or each of two admins who leave would count on the other. */
const refuseLastAdmin = async (tx: Queryable, user: User): Promise<void> => {
  if (user.role !== 'admin' || (await makeUsersRepository(tx).hasOtherAdmin(user.id))) return;
  throw new Problem('last_admin', {
    detail: 'This is the last admin. Give another user the role admin first.',
  });
};

const ensureAdmin = async (
  { db, passwords, events }: Parts,
  { email, password }: { email: string; password: string | undefined },
): Promise<AdminOutcome> => {
  const existing = await makeUsersRepository(db).findByEmail(email);
  if (existing !== undefined) return { kind: 'exists', role: existing.role };
  const chosen = password ?? randomBytes(18).toString('base64url');
  const passwordHash = await passwords.hash(chosen);
  try {
    await events.transaction(async (tx, record) => {
      const { id } = await makeUsersRepository(tx).insert({ email, passwordHash, role: 'admin' });
      await record({ event: 'admin_created', actorId: null, userId: id, requestId: null });
    });
  } catch (error) {
    // Another process that starts at the same time may have created the admin.
    const other = await makeUsersRepository(db).findByEmail(email);
    if (other === undefined) throw error;
    return { kind: 'exists', role: other.role };
  }
  return { kind: 'created', generatedPassword: password === undefined ? chosen : undefined };
};
