import { bindRoutes } from '@movie-ticketing/kit/endpoint';
import type { Logger } from '@movie-ticketing/kit/logging';
import type { Registry } from '@movie-ticketing/kit/metrics';
import type { Service } from '@movie-ticketing/kit/service';
import { makeServiceParts } from '@movie-ticketing/kit/service-parts';
import type { JwkSource } from '@movie-ticketing/kit/published-keys';
import { requiredMigration } from '@movie-ticketing/migrations/migration-files';
import type { z } from 'zod';

import type { BookingLimits } from './batch/booking-limits.ts';
import { makeBookingQueue } from './batch/booking-queue.ts';
import { runBatch, type BatchSettings } from './batch/run-batch.ts';
import { bookingsEndpoints } from './bookings.endpoints.ts';
import type { bookingsEnvironment } from './bookings.environment.ts';
import { makeBookingsMetrics } from './bookings.metrics.ts';
import { startBookingsWorkers } from './bookings.workers.ts';
import { makeBookingsHandlers } from './bookings/bookings.handlers.ts';
import { makeBookingsService } from './bookings/bookings.service.ts';
import type { PaymentProvider } from './payments/payment-provider.ts';
import { makePaymentsHandlers } from './payments/payments.handlers.ts';
import { makePaymentsService } from './payments/payments.service.ts';
import { makeSeatLayouts } from './seats/seat-layouts.ts';
import { makeSimulatedProvider } from './payments/simulated-provider.ts';

export type BookingsOptions = {
  databaseUrl: string;
  environment: Pick<
    z.output<typeof bookingsEnvironment>,
    | 'DB_POOL_SIZE'
    | 'HOLD_MINUTES'
    | 'MAX_TICKETS_PER_BOOKING'
    | 'MAX_TICKETS_PER_SCREENING'
    | 'MAX_EXPIRED_HOLDS_PER_HOUR'
    | 'RATE_LIMITS'
    | 'BOOKING_QUEUE_LIMIT'
    | 'PAYMENT_TIMEOUT_SECONDS'
    | 'PAYMENT_ABANDON_SECONDS'
    | 'JWT_ISSUER'
    | 'JWT_AUDIENCE'
    | 'JWT_JWKS_CACHE_SECONDS'
  >;
  logger: Logger;
  registry: Registry;
  jwks: JwkSource;
  /** Replaces the simulated provider. */
  provider?: PaymentProvider;
  /** Replaces the batch and the queue: the benchmark's control runs one transaction per booking. */
  run?: typeof runBatch;
  makeQueue?: typeof makeBookingQueue;
};

/** A limit below the tickets of one booking would refuse a booking that is allowed. */
const bookingLimits = (env: BookingsOptions['environment']): BookingLimits | undefined =>
  env.RATE_LIMITS === 'off'
    ? undefined
    : {
        ticketsPerScreening: Math.max(env.MAX_TICKETS_PER_SCREENING, env.MAX_TICKETS_PER_BOOKING),
        expiredHoldsPerHour: env.MAX_EXPIRED_HOLDS_PER_HOUR,
      };

const batchSettings = (env: BookingsOptions['environment']): BatchSettings => ({
  holdMs: env.HOLD_MINUTES * 60_000,
  patienceMs: 5_000,
  limits: bookingLimits(env),
  layouts: makeSeatLayouts(),
});

const lateResponseMs = 5_000;

/** Wires the bookings service: queue, handlers and background workers on one bounded pool. */
export const makeBookingsProcess = (options: BookingsOptions): Service => {
  const { environment: env, logger, registry } = options;
  const { db, edge, ready } = makeServiceParts({
    ...options,
    name: 'bookings',
    requiredMigration: requiredMigration(),
  });
  const settings = batchSettings(env);
  const queue = (options.makeQueue ?? makeBookingQueue)({
    limit: env.BOOKING_QUEUE_LIMIT,
    run: (requests) => (options.run ?? runBatch)(db, requests, settings),
    observe: (results) => {
      metrics.batch(results);
    },
  });
  const metrics = makeBookingsMetrics(registry, () => queue.depth);
  const provider = options.provider ?? makeSimulatedProvider(db, { lateMs: lateResponseMs });
  const payments = makePaymentsService(db, provider, {
    timeoutMs: env.PAYMENT_TIMEOUT_SECONDS * 1_000,
    logger,
    observe: metrics.payment,
  });
  const workers = startBookingsWorkers({
    db,
    provider,
    metrics,
    logger,
    registry,
    abandonAfterMs: env.PAYMENT_ABANDON_SECONDS * 1_000,
    timeoutMs: env.PAYMENT_TIMEOUT_SECONDS * 1_000,
  });
  return {
    name: 'bookings',
    routes: bindRoutes(bookingsEndpoints({ maxTickets: env.MAX_TICKETS_PER_BOOKING }), {
      ...makeBookingsHandlers(makeBookingsService(db, queue)),
      ...makePaymentsHandlers(payments),
    }),
    edge,
    ready,
    stop: async () => {
      await queue.drain();
      await workers.stop();
      await db.close();
    },
  };
};
