import type { IdempotentRequest } from '@movie-ticketing/kit/idempotency';

import type { Booking } from '../bookings/bookings.schema.ts';
import { makeSeatAllocation, type SeatAllocation } from '../seats/seat-allocation.ts';
import type { LockedScreening } from '../seats/seats.repository.ts';
import {
  makeLimitCheck,
  type BookingLimits,
  type LimitCheck,
  type Usage,
} from './booking-limits.ts';
import type { BookingRequest, BookingResult, Refusal } from './booking-request.ts';

/** A booking stored under a key, as it was when it was made. */
export type StoredBooking = { requestHash: Buffer; booking: Booking };

/** What a batch reads, all of it after its locks. */
export type BatchView = {
  screenings: ReadonlyMap<number, LockedScreening>;
  /** Users that exist and are not deleted. */
  activeUserIds: ReadonlySet<number>;
  /** By `keyId`. */
  keys: ReadonlyMap<string, StoredBooking>;
  /** By `usageId`, of users who have taken something. */
  usage: ReadonlyMap<string, Usage>;
  /** A new booking id per request. */
  ids: readonly number[];
};

export const keyId = (request: Pick<IdempotentRequest, 'userId' | 'scope' | 'key'>): string =>
  `${String(request.userId)} ${request.scope} ${request.key}`;

/**
 * Decides a batch in order of arrival, only from what was read under its locks. A refused request leaves
 * its seats to later ones, so a smaller request may succeed where a larger one was refused.
 */
export const decideBatch = (
  requests: readonly BookingRequest[],
  view: BatchView,
  { holdMs, limits }: { holdMs: number; limits?: BookingLimits | undefined },
): BookingResult[] => {
  const seats = makeSeatAllocation();
  const limitCheck = makeLimitCheck(limits, view.usage);
  const keysInBatch = new Map<string, StoredBooking>();
  return requests.map((request, index) => {
    const { idempotency } = request;
    // Before the key: a deleted user's token does not receive earlier results.
    if (!view.activeUserIds.has(request.requestedBy)) return refused('unauthenticated');
    if (idempotency !== undefined) {
      const id = keyId(idempotency);
      const stored = view.keys.get(id) ?? keysInBatch.get(id);
      if (stored !== undefined) return replay(stored, idempotency.requestHash);
    }
    const screening = view.screenings.get(request.screeningId);
    const refusal = findRefusal(request, screening, view, seats, limitCheck);
    const id = view.ids[index];
    if (refusal !== undefined || screening === undefined || id === undefined) {
      return refusal ?? refused('internal');
    }
    seats.take(screening, request.numTickets);
    limitCheck.add(request);
    const booking = toBooking(request, screening, id, holdMs);
    if (idempotency !== undefined) {
      keysInBatch.set(keyId(idempotency), { requestHash: idempotency.requestHash, booking });
    }
    return { kind: 'booked', booking };
  });
};

const refused = (code: Refusal['code'], detail?: string): Refusal => ({
  kind: 'refused',
  code,
  ...(detail === undefined ? {} : { detail }),
});

const replay = (stored: StoredBooking, requestHash: Buffer): BookingResult =>
  stored.requestHash.equals(requestHash)
    ? { kind: 'replayed', booking: stored.booking }
    : refused('idempotency_key_reused');

const findRefusal = (
  request: BookingRequest,
  screening: LockedScreening | undefined,
  { activeUserIds }: BatchView,
  seats: SeatAllocation,
  limitCheck: LimitCheck,
): Refusal | undefined => {
  const { userId, numTickets } = request;
  if (!activeUserIds.has(userId)) return refused('not_found', 'User not found.');
  if (screening === undefined) return refused('not_found', 'Screening not found.');
  if (screening.status === 'cancelled') {
    return refused('screening_cancelled', 'The screening is cancelled.');
  }
  if (screening.hasStarted) return refused('screening_started', 'The screening has started.');
  const left = seats.seatsLeft(screening);
  if (numTickets <= left) return limitCheck.findRefusal(request);
  return refused(
    'not_enough_seats',
    left === 0
      ? 'The screening is sold out.'
      : `Not enough seats: ${String(numTickets)} requested, ${String(left)} available.`,
  );
};

const toBooking = (
  request: BookingRequest,
  screening: LockedScreening,
  id: number,
  holdMs: number,
): Booking => ({
  id,
  reference: request.reference,
  userId: request.userId,
  screeningId: screening.id,
  numTickets: request.numTickets,
  status: 'pending',
  totalMinor: screening.priceMinor * request.numTickets,
  currency: screening.currency,
  createdAt: screening.now,
  expiresAt: new Date(screening.now.getTime() + holdMs),
});
