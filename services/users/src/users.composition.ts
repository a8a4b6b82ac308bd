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

import { makeKeyRing, type KeyRing } from './keys/key-ring.ts';
import { makeKeyHandlers } from './keys/keys.handlers.ts';
import { makeFairQueue } from './passwords/fair-queue.ts';
import { makePasswordHandlers } from './passwords/passwords.handlers.ts';
import { makePasswordsService } from './passwords/passwords.service.ts';
import { makePasswords, type Bcrypt, type Passwords } from './passwords/passwords.ts';
import { makeSecurityEvents } from './security-events/security-events.ts';
import { makeAccessTokens } from './sessions/access-tokens.ts';
import { makeSessionHandlers } from './sessions/sessions.handlers.ts';
import { makeSessionsService } from './sessions/sessions.service.ts';
import { makeSignInLimits, makeUnlimitedSignIns } from './sign-in/sign-in-limits.ts';
import { makeSignInHandlers } from './sign-in/sign-in.handlers.ts';
import { makeSignInService } from './sign-in/sign-in.service.ts';
import { usersEndpoints } from './users.endpoints.ts';
import type { UsersEnvironment } from './users.environment.ts';
import { makeSignInMetrics, observePasswordQueue } from './users.metrics.ts';
import { startUsersWorkers } from './users.workers.ts';
import { makeUserHandlers } from './users/users.handlers.ts';
import { makeUsersService, type UsersService } from './users/users.service.ts';

export type UsersProcess = Service & {
  /** The published keys, for verifiers in this process; others read them over HTTP. */
  jwks: JwkSource;
  ensureAdmin: UsersService['ensureAdmin'];
  hashPassword: (password: string) => Promise<string>;
};

const dayMs = 86_400_000;

type Options = {
  databaseUrl: string;
  environment: UsersEnvironment;
  logger: Logger;
  registry: Registry;
  /** Replaced in tests that count its calls. */
  bcrypt?: Bcrypt;
};

/** @throws when the database cannot be reached or is not migrated: the first signing key is created here */
export const makeUsersProcess = async (options: Options): Promise<UsersProcess> => {
  const { environment, logger } = options;
  // The parts contain the database, from which the keys are read.
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
      ...(environment.JWT_REPLACE_KEYS_BEFORE === undefined
        ? {}
        : { replaceBefore: environment.JWT_REPLACE_KEYS_BEFORE }),
    },
  });
  await createFirstKey(db, ready, keys.rotate);
  const passwords = await makePasswords({
    cost: environment.BCRYPT_COST,
    ...(options.bcrypt === undefined ? {} : { bcrypt: options.bcrypt }),
  });
  const { handlers, ensureAdmin } = wire({ ...options, db, keys, passwords });
  const workers = startUsersWorkers({ db, keys, logger, registry: options.registry });
  return {
    name: 'users',
    routes: bindRoutes(usersEndpoints(), handlers),
    edge,
    ready,
    stop: async () => {
      await workers.stop();
      await db.close();
    },
    jwks,
    ensureAdmin,
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
  const events = makeSecurityEvents(db, parts.logger);
  const refreshTokenDays = environment.JWT_REFRESH_TOKEN_DAYS;
  const sessions = makeSessionsService({ db, events, accessTokens, refreshTokenDays });
  // bcrypt runs on libuv's pool of four threads, which DNS and file reads share.
  const queue = makeFairQueue({ turnMs: passwords.hashMs, concurrency: 2, maximumWaiting: 200 });
  // Requests that no limit has checked yet: a flood of them must leave most of the database's pool free.
  const lookups = makeFairQueue({ turnMs: 2, concurrency: 3, maximumWaiting: 1_000 });
  observePasswordQueue(registry, queue.waiting);
  const limits =
    environment.RATE_LIMITS === 'on'
      ? makeSignInLimits({ db, queue, lookups, events })
      : makeUnlimitedSignIns(queue);
  const metrics = makeSignInMetrics(registry);
  const shared = { db, passwords, queue, lookups, limits, sessions, events };
  const users = makeUsersService({ db, passwords, events });
  return {
    ensureAdmin: users.ensureAdmin,
    handlers: {
      ...makeSignInHandlers(makeSignInService({ ...shared, metrics })),
      ...makeSessionHandlers(sessions),
      ...makePasswordHandlers(makePasswordsService(shared)),
      ...makeUserHandlers(users),
      ...makeKeyHandlers(keys.published),
    },
  };
};

/** Before the port opens: without a key no token can be signed, and verifiers would cache an empty list. */
const createFirstKey = async (
  db: Database,
  ready: ReadinessCheck,
  rotate: () => Promise<void>,
): Promise<void> => {
  try {
    const reason = await ready();
    if (reason !== undefined) throw new Error(`The users service cannot start: ${reason}.`);
    await rotate();
  } catch (error) {
    await db.close();
    throw error;
  }
};
