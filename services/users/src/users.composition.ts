import { makeDatabase, type Database } from '@movie-ticketing/kit/database';
import type { Logger } from '@movie-ticketing/kit/logging';
import type { Registry } from '@movie-ticketing/kit/metrics';
import type { Edge } from '@movie-ticketing/kit/pipeline';
import { databaseReadiness, type ReadinessCheck } from '@movie-ticketing/kit/readiness';
import { makeResponseCache, publicReadMs } from '@movie-ticketing/kit/response-cache';
import type { Service } from '@movie-ticketing/kit/service';
import { makeTokenVerifier, type JwkSource } from '@movie-ticketing/kit/tokens';

import { makeAccessTokens } from './access-tokens.ts';
import { makeAccounts, type Accounts } from './accounts.service.ts';
import { makeKeyRing, type KeyRing } from './key-ring.ts';
import { makePasswords, type Bcrypt, type Passwords } from './passwords.ts';
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

type Options = {
  databaseUrl: string;
  environment: UsersEnvironment;
  logger: Logger;
  registry: Registry;
  /** A test counts its calls. */
  bcrypt?: Bcrypt;
};

/** @throws when the database cannot be reached or is not migrated: the first signing key is made here */
export const makeUsersService = async (options: Options): Promise<UsersService> => {
  const { environment, logger } = options;
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
  const ready = databaseReadiness(db, requiredMigration);
  await firstKey(db, ready, keys.rotate);
  const passwords = await makePasswords({
    cost: environment.BCRYPT_COST,
    ...(options.bcrypt === undefined ? {} : { bcrypt: options.bcrypt }),
  });
  const services = wire({ ...options, db, keys, passwords });
  const workers = startUsersWorkers({ db, keys, logger });
  return {
    name: 'users',
    routes: usersRoutes(makeUsersHandlers({ ...services, jwks: keys.published })),
    edge: edge(environment, db, keys),
    ready,
    stop: async () => {
      await workers.stop();
      await db.close();
    },
    jwks: keys.published,
    ensureAdmin: services.accounts.ensureAdmin,
    hashPassword: passwords.hash,
    pool: db.pool,
  };
};

const wire = (parts: Options & { db: Database; keys: KeyRing; passwords: Passwords }) => {
  const { environment, registry, db, keys, passwords } = parts;
  const accessTokens = makeAccessTokens({
    signing: keys.signing,
    issuer: environment.JWT_ISSUER,
    audience: environment.JWT_AUDIENCE,
    lifetimeSeconds: environment.JWT_ACCESS_TOKEN_SECONDS,
  });
  const refreshTokenDays = environment.JWT_REFRESH_TOKEN_DAYS;
  const sessions = makeSessions({ db, accessTokens, refreshTokenDays });
  const limits = environment.RATE_LIMITS === 'on' ? makeSignInLimits(db) : unlimitedSignIns;
  const metrics = makeSignInMetrics(registry);
  observePasswordQueue(registry, passwords.waiting);
  return {
    sessions,
    accounts: makeAccounts({ db, passwords, sessions }),
    signIn: makeSignIn({ db, passwords, sessions, limits, metrics }),
  };
};

const edge = (environment: UsersEnvironment, db: Database, keys: KeyRing): Edge => ({
  verifier: makeTokenVerifier({
    source: keys.published,
    issuer: environment.JWT_ISSUER,
    audience: environment.JWT_AUDIENCE,
    cacheSeconds: environment.JWT_JWKS_CACHE_SECONDS,
  }),
  isActiveUser: makeUsersRepository(db).stands,
  cache: makeResponseCache({ ttlMs: publicReadMs }),
});

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
