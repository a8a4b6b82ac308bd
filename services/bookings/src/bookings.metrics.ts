import { Gauge, makeCounter, makeHistogram, type Registry } from '@movie-ticketing/kit/metrics';

import type { BookingResult } from './batch/booking-request.ts';

export type BookingsMetrics = ReturnType<typeof makeBookingsMetrics>;

export const makeBookingsMetrics = (registry: Registry, queueDepth: () => number) => {
  const outcomes = makeCounter(registry, 'bookings_total', 'Booking requests by outcome', [
    'outcome',
  ]);
  const payments = makeCounter(registry, 'payments_total', 'Payments by outcome', ['outcome']);
  const released = makeCounter(
    registry,
    'bookings_released_total',
    'Bookings whose seats were released by a background worker, by reason',
    ['reason'],
  );
  const batchSize = makeHistogram(
    registry,
    'booking_batch_size',
    'Booking requests that shared a transaction',
    [1, 2, 5, 10, 20, 50, 100, 200, 500],
  );
  new Gauge({
    name: 'booking_queue_depth',
    help: 'Booking requests that wait for a batch',
    registers: [registry],
    collect() {
      this.set(queueDepth());
    },
  });
  return {
    batch: (results: readonly BookingResult[]): void => {
      batchSize.observe(results.length);
      for (const it of results) {
        outcomes.inc({ outcome: it.kind === 'refused' ? it.code : it.kind });
      }
    },
    payment: (outcome: string): void => {
      payments.inc({ outcome });
    },
    expired: (count: number): void => {
      released.inc({ reason: 'expired' }, count);
    },
    userDeleted: (count: number): void => {
      released.inc({ reason: 'user_deleted' }, count);
    },
    screeningCancelled: (count: number): void => {
      released.inc({ reason: 'screening_cancelled' }, count);
    },
  };
};
