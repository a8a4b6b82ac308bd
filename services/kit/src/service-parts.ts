import { makeDatabase, type Database, type Queryable } from './database.ts';
import type { Logger } from './logging.ts';
import { observePool, type Registry } from './metrics.ts';
import type { Edge } from './pipeline.ts';
import { databaseReadiness, type ReadinessCheck } from './readiness.ts';
import { makeResponseCache } from './response-cache.ts';
import type { JwkSource } from './published-keys.ts';
import { makeTokenVerifier } from './tokens.ts';

/** The parts of every service besides its own components. */
export type ServiceParts = { db: Database; edge: Edge; ready: ReadinessCheck };

export type ServicePartsOptions = {
  name: 'catalog' | 'users' | 'bookings';
  databaseUrl: string;
  environment: {
    DB_POOL_SIZE: number;
    JWT_ISSUER: string;
    JWT_AUDIENCE: string;
    JWT_JWKS_CACHE_SECONDS: number;
  };
  logger: Logger;
  registry: Registry;
  jwks: JwkSource;
  /** The newest migration that this version needs. */
  requiredMigration: string;
  /** How long a public read is cached; absent: it is not cached. */
  publicReadMs?: number;
};

/** A service's pool with its own database role, its sign-in check, its cache and its readiness. */
export const makeServiceParts = (options: ServicePartsOptions): ServiceParts => {
  const { name, environment } = options;
  const db = makeDatabase({
    url: options.databaseUrl,
    role: `mt_${name}`,
    poolSize: environment.DB_POOL_SIZE,
    logger: options.logger,
    applicationName: `movie-ticketing-${name}`,
  });
  observePool(options.registry, { [name]: db.pool });
  return {
    db,
    edge: {
      verifier: makeTokenVerifier({
        source: options.jwks,
        issuer: environment.JWT_ISSUER,
        audience: environment.JWT_AUDIENCE,
        cacheSeconds: environment.JWT_JWKS_CACHE_SECONDS,
      }),
      isActiveUser: isActiveUserIn(db),
      cache: makeResponseCache({ ttlMs: options.publicReadMs ?? 0 }),
    },
    ready: databaseReadiness(db, options.requiredMigration),
  };
};

/** Runs on every signed-in request: prepared once per connection. */
const isActiveUserIn =
  (db: Queryable) =>
  async (userId: number): Promise<boolean> => {
    const rows = await db.query(
      'SELECT 1 FROM users WHERE id = $1 AND deleted_at IS NULL',
      [userId],
      'kit.users.is_active',
    );
    return rows.length === 1;
  };
