import { hashRequest } from '@movie-ticketing/kit/idempotency';
import { makeDatabase, type Database } from '@movie-ticketing/kit/database';
import { Problem } from '@movie-ticketing/kit/problems';
import { silentLogger } from '@movie-ticketing/kit/testing/api';

import { makeReference, type ReferencedOrder } from '../src/batch/booking-order.ts';
import type { BatchSettings, Outcome } from '../src/batch/run-batch.ts';

/** An order of one person for themselves. */
export const order = (
  wish: { userId: number; screeningId: number; numTickets?: number },
  key?: string,
): ReferencedOrder => {
  const { userId, screeningId, numTickets = 1 } = wish;
  return {
    userId,
    requestedBy: userId,
    screeningId,
    numTickets,
    reference: makeReference(),
    isGone: () => false,
    idempotency:
      key === undefined
        ? undefined
        : {
            userId,
            scope: 'POST /bookings',
            key,
            requestHash: hashRequest({ screening_id: screeningId, num_tickets: numTickets }),
          },
  };
};

export const batchSettings: BatchSettings = { holdMs: 900_000, patienceMs: 5_000 };

/** `booked`, `replayed`, or the code of the refusal. */
export const outcomeName = (outcome: Outcome): string => {
  if (outcome instanceof Problem) return outcome.code;
  return outcome.headers?.['Idempotent-Replayed'] === undefined ? 'booked' : 'replayed';
};

/** A pool like the service's own, under its role. */
export const serviceDatabase = (url: string): Database =>
  makeDatabase({
    url,
    role: 'mt_bookings',
    poolSize: 4,
    logger: silentLogger,
    applicationName: 'test-batch',
    lockTimeoutMs: 400,
  });
