import { makeDatabase, type Database, type Queryable } from '@movie-ticketing/kit/database';
import type { Route } from '@movie-ticketing/kit/endpoint';
import { pruneAnswers } from '@movie-ticketing/kit/idempotency';
import type { Logger } from '@movie-ticketing/kit/logging';
import { observePool, type Registry } from '@movie-ticketing/kit/metrics';
import { databaseReadiness } from '@movie-ticketing/kit/readiness';
import {
  makeResponseCache,
  publicReadMs,
  type ResponseCache,
} from '@movie-ticketing/kit/response-cache';
import type { Service } from '@movie-ticketing/kit/service';
import { makeTokenVerifier, type JwkSource } from '@movie-ticketing/kit/tokens';
import { startWorker } from '@movie-ticketing/kit/worker';
import { requiredMigration } from '@movie-ticketing/migrations/migration-files';

import type { CatalogEnvironment } from './catalog.environment.ts';
import { movieEndpoints } from './movies/movies.endpoints.ts';
import { makeMovieHandlers } from './movies/movies.handlers.ts';
import { movieRoutes } from './movies/movies.routes.ts';
import { makeMoviesService } from './movies/movies.service.ts';
import { screeningEndpoints } from './screenings/screenings.endpoints.ts';
import { makeScreeningHandlers } from './screenings/screenings.handlers.ts';
import { screeningRoutes } from './screenings/screenings.routes.ts';
import { makeScreeningsService } from './screenings/screenings.service.ts';
import { theaterEndpoints } from './theaters/theaters.endpoints.ts';
import { makeTheaterHandlers } from './theaters/theaters.handlers.ts';
import { theaterRoutes } from './theaters/theaters.routes.ts';
import { makeTheatersService } from './theaters/theaters.service.ts';

export type CatalogOptions = {
  databaseUrl: string;
  environment: Pick<
    CatalogEnvironment,
    'JWT_ISSUER' | 'JWT_AUDIENCE' | 'JWT_JWKS_CACHE_SECONDS' | 'DB_POOL_SIZE' | 'CURRENCY'
  >;
  logger: Logger;
  registry: Registry;
  jwks: JwkSource;
};

const hourMs = 3_600_000;

/** Wires the catalog: its database, its three components, the cache before their reads, its worker. */
export const makeCatalogService = ({
  databaseUrl,
  environment,
  logger,
  registry,
  jwks,
}: CatalogOptions): Service => {
  const db = makeDatabase({
    url: databaseUrl,
    role: 'mt_catalog',
    poolSize: environment.DB_POOL_SIZE,
    logger,
    applicationName: 'movie-ticketing-catalog',
  });
  observePool(registry, { catalog: db.pool });
  const cache = makeResponseCache({ ttlMs: publicReadMs });
  const routes = catalogRoutes(db, { currency: environment.CURRENCY });
  const forgetting = startWorker({
    name: 'catalog_idempotency_keys',
    intervalMs: hourMs,
    logger,
    work: () => pruneAnswers(db, 'catalog_idempotency_keys'),
  });
  return {
    name: 'catalog',
    routes: routes.map((route) => clearingAfterWrites(cache, route)),
    edge: {
      verifier: makeTokenVerifier({
        source: jwks,
        issuer: environment.JWT_ISSUER,
        audience: environment.JWT_AUDIENCE,
        cacheSeconds: environment.JWT_JWKS_CACHE_SECONDS,
      }),
      isActiveUser: (userId) => isActiveUser(db, userId),
      cache,
    },
    ready: databaseReadiness(db, requiredMigration()),
    stop: async () => {
      await forgetting.stop();
      await db.close();
    },
  };
};

const catalogRoutes = (db: Database, settings: { currency: string }): Route[] => [
  ...movieRoutes(movieEndpoints(settings), makeMovieHandlers(makeMoviesService(db))),
  ...theaterRoutes(theaterEndpoints, makeTheaterHandlers(makeTheatersService(db))),
  ...screeningRoutes(
    screeningEndpoints(settings),
    makeScreeningHandlers(makeScreeningsService(db)),
  ),
];

/** Who writes here reads what they wrote. After a failure too: a lost COMMIT may have happened. */
const clearingAfterWrites = (cache: ResponseCache, { endpoint, handle }: Route): Route =>
  endpoint.method === 'get'
    ? { endpoint, handle }
    : {
        endpoint,
        handle: async (request) => {
          try {
            return await handle(request);
          } finally {
            cache.clear();
          }
        },
      };

const isActiveUser = async (db: Queryable, userId: number): Promise<boolean> => {
  const found = await db.query(
    'SELECT 1 FROM users WHERE id = $1 AND deleted_at IS NULL',
    [userId],
    'catalog.is-active-user',
  );
  return found.length === 1;
};
