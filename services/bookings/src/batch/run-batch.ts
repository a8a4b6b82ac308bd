import type { Database, Transaction } from '@movie-ticketing/kit/database';
import { CommitInDoubt, translateDatabaseError } from '@movie-ticketing/kit/database-errors';
import { Problem } from '@movie-ticketing/kit/problems';
import {
  isConnectionLost,
  isDatabaseUnavailable,
  isLockTimeout,
  isRetryable,
  isUniqueViolation,
} from '@movie-ticketing/kit/sqlstate';

import type { NewKey } from '../idempotency/idempotency-keys.repository.ts';
import { lockPromoCodes } from '../promo-codes/promo-codes.repository.ts';
import type { SeatLayouts } from '../seats/seat-layouts.ts';
import { makeSeatsRepository } from '../seats/seats.repository.ts';
import { makeBatchRepository } from './batch.repository.ts';
import type { BookingLimits } from './booking-limits.ts';
import type { BookingRequest, BookingResult, Refusal } from './booking-request.ts';
import { decideBatch } from './decide-batch.ts';

export type BatchSettings = {
  holdMs: number;
  /** How long the database may be unreachable before a batch is refused with `unavailable`. */
  patienceMs: number;
  /** Undefined: none apply. */
  limits?: BookingLimits | undefined;
  layouts: SeatLayouts;
};

const maximumTries = 5;

/**
 * Runs a batch to completion and returns a result per request, in the same order. Nothing is returned
 * before the commit, refusals included: they may depend on seats that the batch itself takes. Never throws.
 */
export const runBatch = async (
  db: Database,
  requests: readonly BookingRequest[],
  settings: BatchSettings,
): Promise<BookingResult[]> => {
  const deadline = performance.now() + settings.patienceMs;
  for (let tries = 1; ; tries += 1) {
    let results: BookingResult[] = [];
    try {
      return await db.attempt(async (tx) => {
        results = await decideAndWrite(tx, requests, settings);
        return results;
      });
    } catch (error) {
      if (error instanceof CommitInDoubt) {
        const committed = await lookUpCommit(db, requests, results, deadline);
        if (committed === 'yes') return results;
        // It did not commit: try again, unless the database has been failing for too long.
        if (committed === 'no' && performance.now() < deadline) continue;
        return requests.map(() => unavailable(error));
      }
      if (isConnectionLost(error)) {
        if (performance.now() > deadline) return requests.map(() => unavailable(error));
        await pause(100);
        continue;
      }
      if (isLockTimeout(error)) {
        const rest = await withoutBlocked(db, requests, settings);
        if (rest !== undefined) return rest;
      }
      const mayRetry = isRetryable(error) || isKeyTaken(error);
      if (mayRetry && tries < maximumTries) continue;
      // Not caused by a request: halves of the batch would fail too.
      if (isDatabaseUnavailable(error)) return requests.map(() => toRefusal(error));
      return halve(db, requests, settings, error);
    }
  }
};

/** Two round trips: BEGIN, lock and view, then the write and COMMIT. A seat plan is read once in a process. */
const decideAndWrite = async (
  tx: Transaction,
  requests: readonly BookingRequest[],
  settings: BatchSettings,
): Promise<BookingResult[]> => {
  const batch = makeBatchRepository(tx);
  // In this order on the connection: a batch locks no booking or payment that exists, so promo codes come next.
  const [screenings, view, promoCodes] = await Promise.all([
    makeSeatsRepository(tx).lock(screeningIds(requests)),
    batch.readView(requests, settings.limits !== undefined),
    lockPromoCodes(tx, [...new Set(requests.flatMap(({ promoCode }) => promoCode ?? []))]),
  ]);
  const plans = [...screenings.values()].flatMap(({ seatPlanId }) => seatPlanId ?? []);
  const layouts = await settings.layouts.load(tx, plans);
  const results = decideBatch(requests, { screenings, layouts, promoCodes, ...view }, settings);
  const bookings = results.flatMap((it) => (it.kind === 'booked' ? [it.booking] : []));
  if (bookings.length > 0) batch.write(bookings, newKeys(requests, results), screenings);
  return results;
};

const newKeys = (
  requests: readonly BookingRequest[],
  results: readonly BookingResult[],
): NewKey[] =>
  results.flatMap((result, index) => {
    const request = requests[index]?.idempotency;
    if (result.kind !== 'booked' || request === undefined) return [];
    const { id, status } = result.booking;
    return [{ request, bookingId: id, paymentId: null, outcome: status }];
  });

const screeningIds = (requests: readonly BookingRequest[]): number[] => [
  ...new Set(requests.map(({ screeningId }) => screeningId)),
];

/**
 * Whether a COMMIT whose connection was lost took effect. Acquiring the batch's locks first waits for the
 * old transaction to end; only then do the references tell the outcome.
 */
const lookUpCommit = async (
  db: Database,
  requests: readonly BookingRequest[],
  results: readonly BookingResult[],
  deadline: number,
): Promise<'yes' | 'no' | 'unknown'> => {
  const references = results.flatMap((it) => (it.kind === 'booked' ? [it.booking.reference] : []));
  if (references.length === 0) return 'yes'; // it changed nothing: its refusals are final
  for (;;) {
    try {
      return await db.attempt(async (tx) => {
        await makeSeatsRepository(tx).lock(screeningIds(requests));
        const found = await makeBatchRepository(tx).findReferences(references);
        return found.size > 0 ? 'yes' : 'no';
      });
    } catch {
      if (performance.now() > deadline) return 'unknown';
      await pause(100);
    }
  }
};

/**
 * Refuses the requests for screenings that another transaction holds locked and runs the others again.
 * @returns undefined if no screening is locked
 */
const withoutBlocked = async (
  db: Database,
  requests: readonly BookingRequest[],
  settings: BatchSettings,
): Promise<BookingResult[] | undefined> => {
  let blocked: Set<number>;
  try {
    blocked = await db.attempt((tx) => makeSeatsRepository(tx).findBlocked(screeningIds(requests)));
  } catch {
    return undefined;
  }
  if (blocked.size === 0) return undefined;
  const rest = requests.filter(({ screeningId }) => !blocked.has(screeningId));
  const results = rest.length === 0 ? [] : await runBatch(db, rest, settings);
  const byRequest = new Map(rest.map((request, index) => [request, results[index]]));
  return requests.map((request) => byRequest.get(request) ?? screeningIsBusy);
};

const screeningIsBusy: Refusal = {
  kind: 'refused',
  code: 'overloaded',
  detail: 'The screening is busy. Try again shortly.',
  retryAfter: 1,
};

/**
 * A batch that fails for an unexpected reason is halved until the request that causes it is alone: one bad
 * request never fails the others.
 */
const halve = async (
  db: Database,
  requests: readonly BookingRequest[],
  settings: BatchSettings,
  error: unknown,
): Promise<BookingResult[]> => {
  if (requests.length <= 1) return requests.map(() => toRefusal(error));
  const middle = Math.ceil(requests.length / 2);
  const first = await runBatch(db, requests.slice(0, middle), settings);
  return [...first, ...(await runBatch(db, requests.slice(middle), settings))];
};

/** Another process committed the same key between the view and the insert: the next try reads it. */
const isKeyTaken = (error: unknown): boolean =>
  isUniqueViolation(error, 'bookings_idempotency_keys_pkey');

export const toRefusal = (error: unknown): Refusal => {
  const problem = translateDatabaseError(error);
  if (!(problem instanceof Problem)) return { kind: 'refused', code: 'internal', cause: error };
  const { code, detail, retryAfter, cause } = problem;
  return {
    kind: 'refused',
    code,
    ...(detail === undefined ? {} : { detail }),
    ...(retryAfter === undefined ? {} : { retryAfter }),
    cause,
  };
};

const unavailable = (cause: unknown): Refusal => ({
  kind: 'refused',
  code: 'unavailable',
  detail:
    'The database cannot be reached. Repeat the request with its Idempotency-Key to learn whether the seats are held.',
  retryAfter: 2,
  cause,
});

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
