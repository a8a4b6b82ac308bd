import type { ApiResponse } from '@movie-ticketing/kit/endpoint';
import { keyInFlight, keyReused, replayed } from '@movie-ticketing/kit/idempotency';

import { userDeleted, Problem } from '@movie-ticketing/kit/problems';

import { presentBooking, type Booking } from '../bookings/bookings.schema.ts';
import type { ReferencedOrder } from './booking-order.ts';

/** A screening as it stood under the batch's lock. */
export type LockedScreening = {
  id: number;
  availableSeats: number;
  status: 'scheduled' | 'cancelled';
  /** By the database's clock, read after the lock. */
  started: boolean;
  now: Date;
  priceMinor: number;
  currency: string;
};

export type StoredKey = { requestHash: Buffer; status: number | null; body: string | null };

/** What a batch sees, all read after its locks. */
export type BatchView = {
  screenings: ReadonlyMap<number, LockedScreening>;
  /** Accounts that exist and were not deleted. */
  standing: ReadonlySet<number>;
  /** By `keyId`. */
  keys: ReadonlyMap<string, StoredKey>;
  /** As many fresh ids as there are orders. */
  ids: readonly number[];
};

export type Decision =
  | { kind: 'book'; booking: Booking; json: string }
  | { kind: 'answer'; answer: ApiResponse }
  | { kind: 'refuse'; problem: Problem };

export const keyId = (request: { userId: number; scope: string; key: string }): string =>
  `${String(request.userId)} ${request.scope} ${request.key}`;

/**
 * Decides a batch in order of arrival, from what was read under its locks and nothing else. A refused
 * order leaves its seats to those behind it, so a smaller one may win where a larger one was refused.
 */
export const decideBatch = (
  orders: readonly ReferencedOrder[],
  view: BatchView,
  holdMs: number,
): Decision[] => {
  const left = new Map<number, number>();
  const keysInBatch = new Map<string, StoredKey>();
  return orders.map((order, index) => {
    // Before the key: a deleted account's token is not answered from what it did before.
    if (!view.standing.has(order.requestedBy)) return { kind: 'refuse', problem: userDeleted() };
    const known = order.idempotency && findKey(order.idempotency, view.keys, keysInBatch);
    if (known !== undefined && order.idempotency !== undefined) {
      return repeat(known, order.idempotency.requestHash);
    }
    const screening = view.screenings.get(order.screeningId);
    const seats = left.get(order.screeningId) ?? screening?.availableSeats ?? 0;
    const problem = refusal(order, screening, view.standing, seats);
    const id = view.ids[index];
    if (problem !== undefined || screening === undefined || id === undefined) {
      return { kind: 'refuse', problem: problem ?? new Problem('internal') };
    }
    left.set(screening.id, seats - order.numTickets);
    const booking = toBooking(order, screening, id, holdMs);
    const json = JSON.stringify({ booking: presentBooking(booking) });
    if (order.idempotency !== undefined) {
      const { requestHash } = order.idempotency;
      keysInBatch.set(keyId(order.idempotency), { requestHash, status: 201, body: json });
    }
    return { kind: 'book', booking, json };
  });
};

const findKey = (
  request: { userId: number; scope: string; key: string },
  stored: ReadonlyMap<string, StoredKey>,
  inBatch: ReadonlyMap<string, StoredKey>,
): StoredKey | undefined => {
  if (stored.size === 0 && inBatch.size === 0) return undefined;
  const id = keyId(request);
  return stored.get(id) ?? inBatch.get(id);
};

const repeat = (known: StoredKey, requestHash: Buffer): Decision => {
  if (!known.requestHash.equals(requestHash)) return { kind: 'refuse', problem: keyReused() };
  if (known.status === null || known.body === null) {
    return { kind: 'refuse', problem: keyInFlight() };
  }
  return { kind: 'answer', answer: replayed(known.status, known.body) };
};

const refusal = (
  order: ReferencedOrder,
  screening: LockedScreening | undefined,
  standing: ReadonlySet<number>,
  seats: number,
): Problem | undefined => {
  if (!standing.has(order.userId)) {
    return new Problem('not_found', { detail: 'There is no such user to book for.' });
  }
  if (screening === undefined) {
    return new Problem('not_found', { detail: 'There is no such screening.' });
  }
  if (screening.status === 'cancelled') {
    return new Problem('screening_cancelled', { detail: 'This screening is cancelled.' });
  }
  if (screening.started) {
    return new Problem('screening_started', { detail: 'This screening has started.' });
  }
  if (order.numTickets > seats) {
    return new Problem('not_enough_seats', {
      detail: seats === 0 ? 'This screening is sold out.' : `Only ${String(seats)} left.`,
    });
  }
  return undefined;
};

const toBooking = (
  order: ReferencedOrder,
  screening: LockedScreening,
  id: number,
  holdMs: number,
): Booking => ({
  id,
  reference: order.reference,
  userId: order.userId,
  screeningId: screening.id,
  numTickets: order.numTickets,
  status: 'pending',
  totalMinor: screening.priceMinor * order.numTickets,
  currency: screening.currency,
  createdAt: screening.now,
  expiresAt: new Date(screening.now.getTime() + holdMs),
});
