import type { Database } from '@movie-ticketing/kit/database';
import { userDeleted, Problem } from '@movie-ticketing/kit/problems';

import type { Account } from './account.ts';
import type { Passwords } from './passwords.ts';
import type { Sessions, TokenSet } from './sessions.service.ts';
import type { SignInLimits } from './sign-in-limits.ts';
import type { SignInMetrics } from './users.metrics.ts';
import { makeUsersRepository } from './users.repository.ts';

export type Credentials = { email: string; password: string };

export type SignIn = {
  /** @throws Problem `email_taken` or `overloaded` */
  register(credentials: Credentials): Promise<TokenSet>;
  /** @throws Problem `invalid_credentials`, `too_many_requests` or `overloaded` */
  login(credentials: Credentials, address: string): Promise<TokenSet>;
  /**
   * Ends every sign-in and begins a new one.
   * @throws Problem `invalid_credentials`, `too_many_requests` or `overloaded`
   */
  changePassword(
    userId: number,
    change: { current: string; next: string },
    address: string,
  ): Promise<TokenSet>;
};

export type SignInParts = {
  db: Database;
  passwords: Passwords;
  limits: SignInLimits;
  sessions: Sessions;
  metrics: SignInMetrics;
};

type Opened = { account: Account; refreshToken: string };

const wrongPassword = (detail: string): Problem => new Problem('invalid_credentials', { detail });

export const makeSignIn = (parts: SignInParts): SignIn => ({
  register: async ({ email, password }) => {
    const passwordHash = await parts.passwords.hash(password);
    const opened = await parts.db.transaction(async (tx): Promise<Opened> => {
      const account = await makeUsersRepository(tx).add({ email, passwordHash, role: 'customer' });
      return { account, refreshToken: await parts.sessions.open(tx, account.id) };
    });
    return parts.sessions.present(opened.account, opened.refreshToken);
  },
  login: (credentials, address) => parts.metrics.observe(() => login(parts, credentials, address)),
  changePassword: async (userId, change, address) => {
    const { email } = await standing(parts.db, userId);
    const opened = await parts.limits.guess(email, address, () =>
      replacePassword(parts, userId, change),
    );
    if (opened === undefined) throw wrongPassword('The current password is wrong.');
    return parts.sessions.present(opened.account, opened.refreshToken);
  },
});

const login = async (
  parts: SignInParts,
  { email, password }: Credentials,
  address: string,
): Promise<TokenSet> => {
  const opened = await parts.limits.guess(email, address, async () => {
    const found = await makeUsersRepository(parts.db).findByEmail(email);
    const isRight = await parts.passwords.matches(password, found?.passwordHash);
    return found !== undefined && isRight ? openFor(parts, found, password) : undefined;
  });
  if (opened === undefined)
    throw wrongPassword('There is no account with this e-mail and password.');
  return parts.sessions.present(opened.account, opened.refreshToken);
};

/** Undefined: since the comparison the password was changed or the account deleted. */
const openFor = async (
  { db, passwords, sessions }: SignInParts,
  compared: Account,
  password: string,
): Promise<Opened | undefined> => {
  // Only now is the password at hand to hash it anew at today's cost.
  const better = passwords.isOutdated(compared.passwordHash)
    ? await passwords.hash(password)
    : undefined;
  return db.transaction(async (tx) => {
    const users = makeUsersRepository(tx);
    const account = await users.lock(compared.id);
    if (account?.passwordHash !== compared.passwordHash) return undefined;
    if (better !== undefined) await users.setPasswordHash(account.id, better);
    return { account, refreshToken: await sessions.open(tx, account.id) };
  });
};

const replacePassword = async (
  { db, passwords, sessions }: SignInParts,
  userId: number,
  change: { current: string; next: string },
): Promise<Opened | undefined> => {
  const compared = await standing(db, userId);
  if (!(await passwords.matches(change.current, compared.passwordHash))) return undefined;
  const hash = await passwords.hash(change.next);
  return db.transaction(async (tx) => {
    const users = makeUsersRepository(tx);
    const account = await users.lock(userId);
    if (account === undefined) throw userDeleted();
    // Of two changes at once, the second has proved a password that is no longer the current one.
    if (account.passwordHash !== compared.passwordHash) return undefined;
    await users.setPasswordHash(userId, hash);
    await sessions.endAll(tx, userId);
    return { account, refreshToken: await sessions.open(tx, userId) };
  });
};

const standing = async (db: Database, userId: number): Promise<Account> => {
  const account = await makeUsersRepository(db).find(userId);
  if (account === undefined) throw userDeleted();
  return account;
};
