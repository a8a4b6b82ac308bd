import { hashRequest } from '@movie-ticketing/kit/idempotency';
import { makeDatabase, type Database } from '@movie-ticketing/kit/database';
import { silentLogger } from '@movie-ticketing/kit/testing/api';

import {
  makeReference,
  type BookingRequest,
  type BookingResult,
} from '../src/batch/booking-request.ts';
import type { BatchSettings } from '../src/batch/run-batch.ts';
import { makeSeatLayouts } from '../src/seats/seat-layouts.ts';

/** A booking request of a user for themselves. */
export const bookingRequest = (
  wanted: { userId: number; screeningId: number; numTickets?: number },
  key?: string,
): BookingRequest => {
  const { userId, screeningId, numTickets = 1 } = wanted;
  return {
    userId,
    requestedBy: userId,
    screeningId,
    numTickets,
    byStaff: false,
    reference: makeReference(),
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

export const batchSettings: BatchSettings = {
  holdMs: 900_000,
  patienceMs: 5_000,
  layouts: makeSeatLayouts(),
};

/** `booked`, `replayed`, or the code of the refusal. */
export const resultName = (result: BookingResult): string =>
  result.kind === 'refused' ? result.code : result.kind;

/** A pool like that of the service, with its role. */
export const serviceDatabase = (url: string): Database =>
  makeDatabase({
    url,
    role: 'mt_bookings',
    poolSize: 4,
    logger: silentLogger,
    applicationName: 'test-batch',
    settings: { lock_timeout: 400 },
  });
