import { Gauge, makeCounter, makeHistogram, type Registry } from '@movie-ticketing/kit/metrics';
import { Problem } from '@movie-ticketing/kit/problems';

import type { Outcome } from './batch/run-batch.ts';

export type BookingsMetrics = ReturnType<typeof makeBookingsMetrics>;

export const makeBookingsMetrics = (registry: Registry, queueDepth: () => number) => {
  const outcomes = makeCounter(registry, 'bookings_total', 'Booking requests by outcome', [
    'outcome',
  ]);
  const payments = makeCounter(registry, 'payments_total', 'Payments by what they came to', [
    'outcome',
  ]);
  const released = makeCounter(
    registry,
    'bookings_released_total',
    'Bookings given back by the system, by reason',
    ['reason'],
  );
  const batchSize = makeHistogram(
    registry,
    'booking_batch_size',
    'Bookings that shared a transaction',
    [1, 2, 5, 10, 20, 50, 100, 200, 500],
  );
  new Gauge({
    name: 'booking_queue_depth',
    help: 'Bookings that wait for their batch',
    registers: [registry],
    collect() {
      this.set(queueDepth());
    },
  });
  return {
    batch: ({ size, outcomes: all }: { size: number; outcomes: readonly Outcome[] }): void => {
      batchSize.observe(size);
      for (const outcome of all) outcomes.inc({ outcome: nameOf(outcome) });
    },
    payment: (outcome: string): void => {
      payments.inc({ outcome });
    },
    expired: (count: number): void => {
      released.inc({ reason: 'expired' }, count);
    },
    screeningCancelled: (count: number): void => {
      released.inc({ reason: 'screening_cancelled' }, count);
    },
  };
};

const nameOf = (outcome: Outcome): string => {
  if (outcome instanceof Problem) return outcome.code;
  return outcome.headers?.['Idempotent-Replayed'] === undefined ? 'booked' : 'replayed';
};
