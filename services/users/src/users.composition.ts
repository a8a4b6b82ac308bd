import type { Database } from '@movie-ticketing/kit/database';
import { bindRoutes } from '@movie-ticketing/kit/endpoint';
import type { Logger } from '@movie-ticketing/kit/logging';
import type { Registry } from '@movie-ticketing/kit/metrics';
import type { ReadinessCheck } from '@movie-ticketing/kit/readiness';
import { publicReadMs } from '@movie-ticketing/kit/response-cache';
import type { Service } from '@movie-ticketing/kit/service';
import { makeServiceParts } from '@movie-ticketing/kit/service-parts';
import type { JwkSource } from '@movie-ticketing/kit/published-keys';
import { requiredMigration } from '@movie-ticketing/migrations/migration-files';

import { makeAccessTokens } from './access-tokens.ts';
import { makeAccounts, type Accounts } from './accounts.service.ts';
import { makeKeyRing, type KeyRing } from './key-ring.ts';
import { makePasswords, type Bcrypt, type Passwords } from './passwords.ts';
import { makeSessions } from './sessions.service.ts';
import { makeSignIn } from './sign-in.service.ts';
import { makeSignInLimits, unlimitedSignIns } from './sign-in-limits.ts';
import { usersEndpoints } from './users.endpoints.ts';
import type { UsersEnvironment } from './users.environment.ts';
import { makeUsersHandlers } from './users.handlers.ts';
import { makeSignInMetrics, observePasswordQueue } from './users.metrics.ts';
import { startUsersWorkers } from './users.workers.ts';

export type UsersService = Service & {
  /** The published keys, for verifiers in this process; others read them over HTTP. */
  jwks: JwkSource;
  ensureAdmin: Accounts['ensureAdmin'];
  hashPassword: (password: string) => Promise<string>;
};

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
  // The keys are read from the database that the verifier's parts open: they come later.
  const jwks: JwkSource = () => keys.published();
  const { db, edge, ready } = makeServiceParts({
    ...options,
    name: 'users',
    jwks,
    requiredMigration: requiredMigration(),
    publicReadMs,
  });
  const keys = makeKeyRing({
    db,
    rules: {
      cacheMs: environment.JWT_JWKS_CACHE_SECONDS * 1_000,
      tokenMs: environment.JWT_ACCESS_TOKEN_SECONDS * 1_000,
      rotationMs: environment.JWT_KEY_ROTATION_DAYS * dayMs,
    },
  });
  await firstKey(db, ready, keys.rotate);
  const passwords = await makePasswords({
    cost: environment.BCRYPT_COST,
    ...(options.bcrypt === undefined ? {} : { bcrypt: options.bcrypt }),
  });
  const services = wire({ ...options, db, keys, passwords });
  const workers = startUsersWorkers({ db, keys, logger });
  return {
    name: 'users',
    routes: bindRoutes(usersEndpoints(), makeUsersHandlers({ ...services, jwks })),
    edge,
    ready,
    stop: async () => {
      await workers.stop();
      await db.close();
    },
    jwks,
    ensureAdmin: services.accounts.ensureAdmin,
    hashPassword: passwords.hash,
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
