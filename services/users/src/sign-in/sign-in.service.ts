import type { Database } from '@movie-ticketing/kit/database';
import { Problem } from '@movie-ticketing/kit/problems';

import type { FairQueue } from '../passwords/fair-queue.ts';
import type { Passwords } from '../passwords/passwords.ts';
import type { RequestOrigin } from '../passwords/passwords.service.ts';
import type { TokenSet } from '../sessions/sessions.schema.ts';
import type { OpenedSession, SessionsService } from '../sessions/sessions.service.ts';
import type { SignInMetrics } from '../users.metrics.ts';
import { makeUsersRepository } from '../users/users.repository.ts';
import type { User } from '../users/users.schema.ts';
import type { SignInLimits } from './sign-in-limits.ts';

export type Credentials = { email: string; password: string };

export type SignInService = {
  /** @throws Problem `email_taken`, `overloaded` */
  register(credentials: Credentials, network: string): Promise<TokenSet>;
  /** @throws Problem `invalid_credentials`, `too_many_requests`, `overloaded` */
  login(credentials: Credentials, origin: RequestOrigin): Promise<TokenSet>;
};

type Parts = {
  db: Database;
  passwords: Passwords;
  queue: FairQueue;
  /** For reads before the limits are checked. */
  lookups: FairQueue;
  limits: SignInLimits;
  sessions: SessionsService;
  metrics: SignInMetrics;
};

export const makeSignInService = (parts: Parts): SignInService => ({
  register: async ({ email, password }, network) => {
    const { db, passwords, queue, sessions } = parts;
    const passwordHash = await queue.run({ network, isKnown: false }, () =>
      passwords.hash(password),
    );
    const opened = await db.transaction(async (tx) => {
      const users = makeUsersRepository(tx);
      const user = await users.insert({ email, passwordHash, role: 'customer' });
      return sessions.open(tx, user, network);
    });
    return sessions.sign(opened);
  },

  login: (credentials, origin) => parts.metrics.observe(() => login(parts, credentials, origin)),
});

const login = async (
  parts: Parts,
  { email, password }: Credentials,
  origin: RequestOrigin,
): Promise<TokenSet> => {
  const client = { network: origin.network, isKnown: false };
  const found = await parts.lookups.run(client, () =>
    makeUsersRepository(parts.db).findByEmail(email),
  );
  const attempt = { email, userId: found?.id, ...origin };
  const opened = await parts.limits.guess(attempt, async () => {
    const isRight = await parts.passwords.matches(password, found?.passwordHash);
    return found !== undefined && isRight
      ? openSession(parts, found, { password, network: origin.network })
      : undefined;
  });
  if (opened === undefined) {
    throw new Problem('invalid_credentials', {
      detail: 'No user has this e-mail address and password.',
    });
  }
  return parts.sessions.sign(opened);
};

/** Undefined where the password was changed or the user deleted since the comparison. */
const openSession = async (
  { db, passwords, sessions }: Parts,
  compared: User,
  { password, network }: { password: string; network: string },
): Promise<OpenedSession | undefined> => {
  // Only a sign-in has the password that is needed to hash it at the current cost.
  const passwordHash = passwords.isOutdated(compared.passwordHash)
    ? await passwords.hash(password)
    : undefined;
  return db.transaction(async (tx) => {
    const users = makeUsersRepository(tx);
    const user = await users.lock(compared.id);
    if (user?.passwordHash !== compared.passwordHash) return undefined;
    if (passwordHash !== undefined) await users.update(user.id, { passwordHash });
    return sessions.open(tx, user, network);
  });
};
