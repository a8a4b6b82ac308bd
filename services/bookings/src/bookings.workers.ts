import type { Database } from '@movie-ticketing/kit/database';
import { pruneAnswers } from '@movie-ticketing/kit/idempotency';
import type { Logger } from '@movie-ticketing/kit/logging';
import type { Registry } from '@movie-ticketing/kit/metrics';
import { startWorker, type Worker } from '@movie-ticketing/kit/worker';

import type { BookingsMetrics } from './bookings.metrics.ts';
import { cancelBookingsOfCancelledScreenings } from './holds/cancel-screenings.ts';
import { expireHolds } from './holds/expire-holds.ts';
import { releaseHoldsOfDeletedUsers } from './holds/release-deleted-users.ts';
import type { PaymentProvider } from './payments/payment-provider.ts';
import { reconcilePayments } from './payments/payment-reconciler.ts';

/** How long after its expiry a hold waits for a payment in progress. */
const paymentGraceMs = 10 * 60_000;

/** The background workers. Any number of processes may run each of them. */
export const startBookingsWorkers = (options: {
  db: Database;
  provider: PaymentProvider;
  metrics: BookingsMetrics;
  logger: Logger;
  registry: Registry;
  abandonAfterMs: number;
  timeoutMs: number;
}): Worker => {
  const { db, logger, metrics, registry } = options;
  const rounds: [name: string, intervalMs: number, work: () => Promise<boolean>][] = [
    [
      'bookings_expire_holds',
      1_000,
      () => expireHolds(db, { paymentGraceMs, observe: metrics.expired }),
    ],
    [
      'bookings_cancel_screenings',
      1_000,
      () => cancelBookingsOfCancelledScreenings(db, metrics.screeningCancelled),
    ],
    [
      'bookings_release_deleted_users',
      1_000,
      () => releaseHoldsOfDeletedUsers(db, metrics.userDeleted),
    ],
    [
      'bookings_reconcile_payments',
      500,
      () => reconcilePayments({ ...options, observe: metrics.payment }),
    ],
    ['bookings_prune_keys', 15 * 60_000, () => pruneAnswers(db, 'bookings_idempotency_keys')],
  ];
  const workers = rounds.map(([name, intervalMs, work]) =>
    startWorker({ name, intervalMs, work, logger, registry }),
  );
  return {
    stop: async () => {
      await Promise.all(workers.map((worker) => worker.stop()));
    },
  };
};
