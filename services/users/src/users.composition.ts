import { makeDatabase, type Database } from '@movie-ticketing/kit/database';
import type { Logger } from '@movie-ticketing/kit/logging';
import type { Registry } from '@movie-ticketing/kit/metrics';
import { databaseReadiness, type ReadinessCheck } from '@movie-ticketing/kit/readiness';
import { makeResponseCache } from '@movie-ticketing/kit/response-cache';
import type { Service } from '@movie-ticketing/kit/service';
import { makeTokenVerifier, type JwkSource } from '@movie-ticketing/kit/tokens';

import { makeAccessTokens } from './access-tokens.ts';
import { makeAccounts, type Accounts } from './accounts.service.ts';
import { makeKeyRing } from './key-ring.ts';
import { makePasswords, type Bcrypt } from './passwords.ts';
import { makeSessions } from './sessions.service.ts';
import { makeSignIn } from './sign-in.service.ts';
import { makeSignInLimits, unlimitedSignIns } from './sign-in-limits.ts';
import type { UsersEnvironment } from './users.environment.ts';
import { makeUsersHandlers } from './users.handlers.ts';
import { makeSignInMetrics, observePasswordQueue } from './users.metrics.ts';
import { makeUsersRepository } from './users.repository.ts';
import { usersRoutes } from './users.routes.ts';
import { startUsersWorkers } from './users.workers.ts';

export type UsersService = Service & {
  /** The published keys, for verifiers in this process; others read them over HTTP. */
  jwks: JwkSource;
  ensureAdmin: Accounts['ensureAdmin'];
  hashPassword: (password: string) => Promise<string>;
  /** For the pool's metrics. */
  pool: Database['pool'];
};

/** The newest migration that this code needs. */
const requiredMigration = '0002_users';
const dayMs = 86_400_000;

/** @throws when the database cannot be reached or is not migrated: the first signing key is made here */
export const makeUsersService = async (options: {
  databaseUrl: string;
  environment: UsersEnvironment;
  logger: Logger;
  registry: Registry;
  /** A test counts its calls. */
  bcrypt?: Bcrypt;
}): Promise<UsersService> => {
  const { environment, logger, registry } = options;
  const db = makeDatabase({
    url: options.databaseUrl,
    role: 'mt_users',
    poolSize: environment.DB_POOL_SIZE,
    logger,
    applicationName: 'users',
  });
  const keys = makeKeyRing({
    db,
    rules: {
      cacheMs: environment.JWT_JWKS_CACHE_SECONDS * 1_000,
      tokenMs: environment.JWT_ACCESS_TOKEN_SECONDS * 1_000,
      rotationMs: environment.JWT_KEY_ROTATION_DAYS * dayMs,
    },
  });
  const passwords = await makePasswords({
    cost: environment.BCRYPT_COST,
    ...(options.bcrypt === undefined ? {} : { bcrypt: options.bcrypt }),
  });
  const issuing = { issuer: environment.JWT_ISSUER, audience: environment.JWT_AUDIENCE };
  const sessions = makeSessions({
    db,
    accessTokens: makeAccessTokens({
      ...issuing,
      signing: keys.signing,
      lifetimeSeconds: environment.JWT_ACCESS_TOKEN_SECONDS,
    }),
    refreshTokenDays: environment.JWT_REFRESH_TOKEN_DAYS,
  });
  const accounts = makeAccounts({ db, passwords, sessions });
  const signIn = makeSignIn({
    db,
    passwords,
    sessions,
    limits: environment.RATE_LIMITS === 'on' ? makeSignInLimits(db) : unlimitedSignIns,
    metrics: makeSignInMetrics(registry),
  });
  observePasswordQueue(registry, passwords.waiting);
  const ready = databaseReadiness(db, requiredMigration);
  await firstKey(db, ready, keys.rotate);
  const workers = startUsersWorkers({ db, keys, logger });
  return {
    name: 'users',
    routes: usersRoutes(makeUsersHandlers({ signIn, sessions, accounts, jwks: keys.published })),
    edge: {
      verifier: makeTokenVerifier({
        ...issuing,
        source: keys.published,
        cacheSeconds: environment.JWT_JWKS_CACHE_SECONDS,
      }),
      accountStands: makeUsersRepository(db).stands,
      cache: makeResponseCache({ ttlMs: 1_000 }),
    },
    ready,
    stop: async () => {
      await workers.stop();
      await db.close();
    },
    jwks: keys.published,
    ensureAdmin: accounts.ensureAdmin,
    hashPassword: passwords.hash,
    pool: db.pool,
  };
};

/** Before the port opens: a token could not be signed, and verifiers would remember an empty list. */
const firstKey = async (
  db: Database,
  ready: ReadinessCheck,
  rotate: () => Promise<void>,
): Promise<void> => {
  try {
    const missing = await ready();
    if (missing !== undefined) throw new Error(`The users service cannot start: ${missing}.`);
    await rotate();
  } catch (error) {
    await db.close();
    throw error;
  }
};
