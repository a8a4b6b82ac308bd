import type { Database } from '@movie-ticketing/kit/database';
import { bindRoutes, type Route } from '@movie-ticketing/kit/endpoint';
import { pruneAnswers } from '@movie-ticketing/kit/idempotency';
import type { Logger } from '@movie-ticketing/kit/logging';
import type { Registry } from '@movie-ticketing/kit/metrics';
import { publicReadMs } from '@movie-ticketing/kit/response-cache';
import type { Service } from '@movie-ticketing/kit/service';
import { makeServiceParts } from '@movie-ticketing/kit/service-parts';
import type { JwkSource } from '@movie-ticketing/kit/published-keys';
import { startWorker } from '@movie-ticketing/kit/worker';
import { requiredMigration } from '@movie-ticketing/migrations/migration-files';

import { adminRoutes } from './admin-resource.ts';
import type { CatalogEnvironment } from './catalog.environment.ts';
import { makeCurrencyCheck, type CurrencyCheck } from './currency-check.ts';
import { movieEndpoints } from './movies/movies.endpoints.ts';
import { makeMovieHandlers } from './movies/movies.handlers.ts';
import { makeMoviesService } from './movies/movies.service.ts';
import { priceCards } from './price-cards/price-cards.endpoints.ts';
import { makePriceCardsRepository } from './price-cards/price-cards.repository.ts';
import { screeningPricesEndpoints } from './prices/screening-prices.endpoints.ts';
import { makeScreeningPricesHandlers } from './prices/screening-prices.handlers.ts';
import { makeScreeningPricesService } from './prices/screening-prices.service.ts';
import { promoCodes } from './promo-codes/promo-codes.endpoints.ts';
import { makePromoCodesRepository } from './promo-codes/promo-codes.repository.ts';
import { screeningEndpoints } from './screenings/screenings.endpoints.ts';
import { makeScreeningHandlers } from './screenings/screenings.handlers.ts';
import { makeScreeningsService } from './screenings/screenings.service.ts';
import { seatMapEndpoints } from './seat-maps/seat-maps.endpoints.ts';
import { makeSeatMapHandlers } from './seat-maps/seat-maps.handlers.ts';
import { makeSeatMapsService } from './seat-maps/seat-maps.service.ts';
import { seatPlanEndpoints } from './seat-plans/seat-plans.endpoints.ts';
import { makeSeatPlanHandlers } from './seat-plans/seat-plans.handlers.ts';
import { makeSeatPlansService } from './seat-plans/seat-plans.service.ts';
import { theaterEndpoints } from './theaters/theaters.endpoints.ts';
import { makeTheaterHandlers } from './theaters/theaters.handlers.ts';
import { makeTheatersService } from './theaters/theaters.service.ts';
import { ticketTypes } from './ticket-types/ticket-types.endpoints.ts';
import { makeTicketTypesRepository } from './ticket-types/ticket-types.repository.ts';

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

export type CatalogService = Service & {
  /** @throws ConfigError if CURRENCY contradicts the prices in the database */
  checkCurrency: CurrencyCheck['atStart'];
};

const hourMs = 3_600_000;

/** Composes the catalog: its three components on one pool, and the worker that prunes stored responses. */
export const makeCatalogService = (options: CatalogOptions): CatalogService => {
  const { environment, logger, registry } = options;
  const { db, edge, ready } = makeServiceParts({
    ...options,
    name: 'catalog',
    requiredMigration: requiredMigration(),
    publicReadMs,
  });
  const currency = makeCurrencyCheck(db, environment.CURRENCY, ready);
  const pruning = startWorker({
    name: 'catalog_idempotency_keys',
    intervalMs: hourMs,
    logger,
    registry,
    work: () => pruneAnswers(db, 'catalog_idempotency_keys'),
  });
  return {
    name: 'catalog',
    routes: catalogRoutes(db, { currency: environment.CURRENCY }),
    edge,
    ready: currency.ready,
    checkCurrency: currency.atStart,
    stop: async () => {
      await pruning.stop();
      await db.close();
    },
  };
};

const catalogRoutes = (db: Database, settings: { currency: string }): Route[] => [
  ...bindRoutes(movieEndpoints(settings), makeMovieHandlers(makeMoviesService(db))),
  ...bindRoutes(theaterEndpoints, makeTheaterHandlers(makeTheatersService(db))),
  ...bindRoutes(screeningEndpoints(settings), makeScreeningHandlers(makeScreeningsService(db))),
  ...bindRoutes(seatPlanEndpoints, makeSeatPlanHandlers(makeSeatPlansService(db))),
  ...bindRoutes(seatMapEndpoints, makeSeatMapHandlers(makeSeatMapsService(db))),
  ...bindRoutes(
    screeningPricesEndpoints,
    makeScreeningPricesHandlers(makeScreeningPricesService(db)),
  ),
  ...adminRoutes(db, ticketTypes, makeTicketTypesRepository),
  ...adminRoutes(db, priceCards(settings.currency), makePriceCardsRepository),
  ...adminRoutes(db, promoCodes(settings.currency), makePromoCodesRepository),
];
