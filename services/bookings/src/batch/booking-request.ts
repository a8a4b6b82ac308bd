import { randomInt } from 'node:crypto';

import type { IdempotentRequest } from '@movie-ticketing/kit/idempotency';
import type { FieldError, ProblemCode } from '@movie-ticketing/kit/problems';

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
  /** Absent: `numTickets` tickets of the default type, on the best available seats where they are numbered. */
  wish?: TicketWish | undefined;
  promoCode?: string | undefined;
  /** Requests of staff have no booking limits, and may leave single seats free. */
  byStaff: boolean;
  idempotency: IdempotentRequest | undefined;
};

/** Which tickets and seats a request is for. */
export type TicketWish = {
  tickets: readonly { ticketTypeId: number | undefined; seat: string | undefined }[];
  bestAvailable: BestAvailableWish | undefined;
};

export type BestAvailableWish = {
  /** The name of a category; undefined: one category, whichever. */
  category: string | undefined;
  /** Whether the party needs a wheelchair space. */
  accessible: boolean;
  together: 'required' | 'preferred';
  acrossCategories: boolean;
};

/** A refused request: what `Problem` needs, as plain data. */
export type Refusal = {
  kind: 'refused';
  code: ProblemCode;
  detail?: string;
  /** Whole seconds. */
  retryAfter?: number;
  errors?: FieldError[];
  /** Ids of the seats that the refusal is about. */
  seats?: readonly string[];
  cause?: unknown;
};

/** The result of a request for seats. `replayed`: an earlier request with the same key made the booking. */
export type BookingResult =
  { kind: 'booked'; booking: Booking } | { kind: 'replayed'; booking: Booking } | Refusal;

export const refused = (
  code: Refusal['code'],
  detail?: string,
  more: Pick<Refusal, 'seats' | 'retryAfter'> = {},
): Refusal => ({
  kind: 'refused',
  code,
  ...(detail === undefined ? {} : { detail }),
  ...more,
});

/** A refusal of one field of the request, which only the state of its screening shows to be wrong. */
export const refusedField = (path: string, message: string): Refusal => ({
  kind: 'refused',
  code: 'invalid_request',
  detail: `${path}: ${message}`,
  errors: [{ path, message }],
});

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
