import { randomBytes } from 'node:crypto';

import type { Database, Queryable } from '@movie-ticketing/kit/database';
import type { CurrentUser, Role } from '@movie-ticketing/kit/endpoint';
import { toPage } from '@movie-ticketing/kit/pagination';
import { userDeleted, Problem } from '@movie-ticketing/kit/problems';

import type { Account } from './account.ts';
import type { Passwords } from './passwords.ts';
import type { Sessions } from './sessions.service.ts';
import { makeUsersRepository } from './users.repository.ts';

export type AdminOutcome =
  | { kind: 'created'; generatedPassword: string | undefined }
  /** `role`: what the account is, which is left so. */
  | { kind: 'exists'; role: Role };

export type Accounts = {
  find(userId: number): Promise<Account>;
  /** @throws Problem `last_admin` */
  remove(userId: number): Promise<void>;
  list(
    currentUser: CurrentUser,
    page: { after: number; limit: number },
  ): Promise<{ accounts: Account[]; nextCursor: string | null }>;
  /** @throws Problem `not_found`, `last_admin`, or `forbidden` to who is no administrator any more */
  changeRole(currentUser: CurrentUser, userId: number, role: Role): Promise<Account>;
  /** Creates the administrator if the e-mail has no account; never changes one that is there. */
  ensureAdmin(admin: { email: string; password: string | undefined }): Promise<AdminOutcome>;
};

type Parts = { db: Database; passwords: Passwords; sessions: Sessions };

export const makeAccounts = (parts: Parts): Accounts => {
  const { db, sessions } = parts;
  return {
    find: async (userId) => {
      const account = await makeUsersRepository(db).find(userId);
      if (account === undefined) throw userDeleted();
      return account;
    },

    remove: async (userId) => {
      await db.transaction(async (tx) => {
        const users = makeUsersRepository(tx);
        await users.lockAdministrators();
        const account = await users.lock(userId);
        if (account === undefined) throw userDeleted();
        await refuseLastAdministrator(tx, account);
        await sessions.endAll(tx, userId);
        await users.bury(userId);
      });
    },

    list: async (currentUser, { after, limit }) => {
      await mustBeAdministrator(db, currentUser);
      const found = await makeUsersRepository(db).list(after, limit + 1);
      const { rows, nextCursor } = toPage('users', found, limit, ({ id }) => [id]);
      return { accounts: rows, nextCursor };
    },

    changeRole: (currentUser, userId, role) =>
      db.transaction(async (tx) => {
        const users = makeUsersRepository(tx);
        await users.lockAdministrators();
        await mustBeAdministrator(tx, currentUser);
        const account = await users.lock(userId);
        if (account === undefined) {
          throw new Problem('not_found', { detail: 'There is no such account.' });
        }
        if (role !== 'admin') await refuseLastAdministrator(tx, account);
        if (role !== account.role) await users.setRole(userId, role);
        return { ...account, role };
      }),

    ensureAdmin: (admin) => ensureAdmin(parts, admin),
  };
};

/** An access token outlives a demotion by minutes: in those it must not undo it. */
const mustBeAdministrator = async (db: Queryable, { userId }: CurrentUser): Promise<void> => {
  const account = await makeUsersRepository(db).find(userId);
  if (account?.role !== 'admin') {
    throw new Problem('forbidden', { detail: 'This needs the role admin.' });
  }
};

/** Under the administrators' lock, or two who go at once would each count on the other. */
const refuseLastAdministrator = async (tx: Queryable, account: Account): Promise<void> => {
  if (account.role !== 'admin') return;
  if (await makeUsersRepository(tx).hasOtherAdministrator(account.id)) return;
  throw new Problem('last_admin', { detail: 'Make someone else an administrator first.' });
};

const ensureAdmin = async (
  { db, passwords }: Parts,
  { email, password }: { email: string; password: string | undefined },
): Promise<AdminOutcome> => {
  const users = makeUsersRepository(db);
  const there = await users.findByEmail(email);
  if (there !== undefined) return { kind: 'exists', role: there.role };
  const chosen = password ?? randomBytes(18).toString('base64url');
  const passwordHash = await passwords.hash(chosen);
  try {
    await users.add({ email, passwordHash, role: 'admin' });
  } catch (error) {
    // Another process that starts as well was first.
    const other = await users.findByEmail(email);
    if (other === undefined) throw error;
    return { kind: 'exists', role: other.role };
  }
  return { kind: 'created', generatedPassword: password === undefined ? chosen : undefined };
};
