import type { IdempotentRequest } from '@movie-ticketing/kit/idempotency';

import type { Booking } from '../bookings/bookings.schema.ts';
import { makePromoCodeCheck } from '../promo-codes/check-promo-code.ts';
import type { LockedPromoCode } from '../promo-codes/promo-codes.repository.ts';
import { makeSeatAllocation } from '../seats/seat-allocation.ts';
import type { LockedScreening } from '../seats/seats.repository.ts';
import { makeLimitCheck, type BookingLimits, type Usage } from './booking-limits.ts';
import { totalOf } from '../prices/price-tickets.ts';
import { ticketId } from '../tickets/tickets.schema.ts';
import {
  refused,
  type BookingRequest,
  type BookingResult,
  type Refusal,
} from './booking-request.ts';
import { decideTickets, type DecidedTickets, type TicketView } from './decide-tickets.ts';

/** A booking stored under a key, as it was when it was made. */
export type StoredBooking = { requestHash: Buffer; booking: Booking };

/** What a batch reads, all of it after its locks. */
export type BatchView = TicketView & {
  screenings: ReadonlyMap<number, LockedScreening>;
  /** Users that exist and are not deleted. */
  activeUserIds: ReadonlySet<number>;
  /** By `keyId`. */
  keys: ReadonlyMap<string, StoredBooking>;
  /** By `usageId`, of users who have taken something. */
  usage: ReadonlyMap<string, Usage>;
  /** Locked, by code. */
  promoCodes: ReadonlyMap<string, LockedPromoCode>;
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
  const promoCodes = makePromoCodeCheck(view.promoCodes);
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
    const refusal = findRefusal(request, screening, view);
    const id = view.ids[index];
    if (refusal !== undefined || screening === undefined || id === undefined) {
      return refusal ?? refused('internal');
    }
    const decided = decideTickets(request, screening, view, seats, promoCodes);
    if (decided.kind === 'refused') return decided;
    const limited = limitCheck.findRefusal(request);
    if (limited !== undefined) return limited;
    const positions = decided.tickets.flatMap(({ seat }) => seat ?? []);
    seats.take(screening, request.numTickets, positions);
    limitCheck.add(request);
    promoCodes.add(decided.promoCode);
    const booking = toBooking(request, screening, { id, holdMs, decided });
    if (idempotency !== undefined) {
      keysInBatch.set(keyId(idempotency), { requestHash: idempotency.requestHash, booking });
    }
    return { kind: 'booked', booking };
  });
};

const replay = (stored: StoredBooking, requestHash: Buffer): BookingResult =>
  stored.requestHash.equals(requestHash)
    ? { kind: 'replayed', booking: stored.booking }
    : refused('idempotency_key_reused');

const findRefusal = (
  { userId }: BookingRequest,
  screening: LockedScreening | undefined,
  { activeUserIds }: BatchView,
): Refusal | undefined => {
  if (!activeUserIds.has(userId)) return refused('not_found', 'User not found.');
  if (screening === undefined) return refused('not_found', 'Screening not found.');
  if (screening.status === 'cancelled') {
    return refused('screening_cancelled', 'The screening is cancelled.');
  }
  return screening.hasStarted
    ? refused('screening_started', 'The screening has started.')
    : undefined;
};

const toBooking = (
  request: BookingRequest,
  screening: LockedScreening,
  { id, holdMs, decided }: { id: number; holdMs: number; decided: DecidedTickets },
): Booking => ({
  id,
  reference: request.reference,
  userId: request.userId,
  screeningId: screening.id,
  numTickets: request.numTickets,
  status: 'pending',
  totalMinor:
    decided.tickets.length === 0
      ? screening.priceMinor * request.numTickets
      : totalOf(decided.tickets),
  currency: screening.priceCard?.currency ?? screening.currency,
  createdAt: screening.now,
  expiresAt: new Date(screening.now.getTime() + holdMs),
  promoCodeId: decided.promoCode?.id ?? null,
  tickets: decided.tickets.map((it, number) => ({ ...it, id: ticketId(id, number) })),
});
