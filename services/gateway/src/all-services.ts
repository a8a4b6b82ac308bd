import {
  makeBookingsProcess,
  type BookingsOptions,
} from '@movie-ticketing/bookings/bookings.composition';
import {
  makeCatalogService,
  type CatalogService,
} from '@movie-ticketing/catalog/catalog.composition';
import type { Logger } from '@movie-ticketing/kit/logging';
import type { Registry } from '@movie-ticketing/kit/metrics';
import type { Service } from '@movie-ticketing/kit/service';
import { makeUsersProcess, type UsersProcess } from '@movie-ticketing/users/users.composition';
import type { RequestHandler } from 'express';

import { allEndpoints } from './all-endpoints.ts';
import { makeApiDocument } from './api-document.ts';
import { makeGatewayService } from './gateway.composition.ts';
import type { GatewayEnvironment } from './gateway.environment.ts';
import { makeReferencePage } from './reference-page.ts';

export type AllServices = {
  services: readonly Service[];
  /** The reference page. */
  pages: RequestHandler;
  users: UsersProcess;
  catalog: CatalogService;
};

/**
 * Every service in one process on one database, each on a pool of its own with its own role. Tokens
 * are verified with keys that come through a function call instead of HTTP.
 * @throws when the database cannot be reached or is not migrated
 */
export const makeAllServices = async (options: {
  databaseUrl: string;
  environment: GatewayEnvironment;
  logger: Logger;
  registry: Registry;
  /** Replaces the booking queue and its batch: the benchmark's control. */
  control?: Pick<BookingsOptions, 'run' | 'makeQueue'>;
}): Promise<AllServices> => {
  const { environment } = options;
  const users = await makeUsersProcess(options);
  const catalog = makeCatalogService({ ...options, jwks: users.jwks });
  const bookings = makeBookingsProcess({ ...options, ...options.control, jwks: users.jwks });
  const endpoints = allEndpoints({
    currency: environment.CURRENCY,
    maxTickets: environment.MAX_TICKETS_PER_BOOKING,
  });
  const gateway = makeGatewayService({
    document: makeApiDocument(endpoints),
    edge: catalog.edge, // not used: the gateway's endpoints are public
  });
  return {
    services: [gateway, catalog, users, bookings],
    pages: makeReferencePage(),
    users,
    catalog,
  };
};
