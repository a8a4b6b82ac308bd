import { randomInt } from 'node:crypto';

import type { IdempotentRequest } from '@movie-ticketing/kit/idempotency';
import type { ProblemCode } from '@movie-ticketing/kit/problems';

import type { Booking } from '../bookings/bookings.schema.ts';

/** A request for seats, waiting for its batch. Plain data. */
export type BookingRequest = {
  /** The reference its booking will have: generated before, to find the booking after a lost COMMIT. */
  reference: string;
  /** The user who will own the booking. */
  userId: number;
  /** The user who sent the request: the same one, or staff. */
  requestedBy: number;
  screeningId: number;
  numTickets: number;
  /** Whether the booking limits apply: not to requests of staff. */
  isLimited: boolean;
  idempotency: IdempotentRequest | undefined;
};

/** A refused request: what `Problem` needs, as plain data. */
export type Refusal = {
  kind: 'refused';
  code: ProblemCode;
  detail?: string;
  /** Whole seconds. */
  retryAfter?: number;
  cause?: unknown;
};

/** The result of a request for seats. `replayed`: an earlier request with the same key made the booking. */
export type BookingResult =
  { kind: 'booked'; booking: Booking } | { kind: 'replayed'; booking: Booking } | Refusal;

// Crockford's base 32: without I, L, O and U, which are easily misread.
const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const referenceLength = 12;

/** 60 random bits: a duplicate is very unlikely, and the unique index would reject it. */
export const makeReference = (): string => {
  let reference = '';
  for (let i = 0; i < referenceLength; i += 6) {
    let bits = randomInt(2 ** 30);
    for (let j = 0; j < 6; j += 1) {
      reference += alphabet.charAt(bits % 32);
      bits = Math.floor(bits / 32);
    }
  }
  return reference;
};
