import { randomInt } from 'node:crypto';

import type { IdempotentRequest } from '@movie-ticketing/kit/endpoint';

/** One wish for seats, waiting for its batch. */
export type BookingOrder = {
  /** Whom the booking is for. */
  userId: number;
  /** Who asks: the same person, or staff. */
  requestedBy: number;
  screeningId: number;
  numTickets: number;
  idempotency: IdempotentRequest | undefined;
  /** Whether the client has hung up. */
  isGone: () => boolean;
};

/** An order with the reference its booking will have: made beforehand, to find it again after a lost COMMIT. */
export type ReferencedOrder = BookingOrder & { reference: string };

// Crockford's base 32: no I, L, O, U to misread at the door.
const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const referenceLength = 12;

/** 60 random bits: a repeat is not to be expected, and the unique index would refuse it. */
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
