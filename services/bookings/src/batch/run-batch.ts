import type { Database } from '@movie-ticketing/kit/database';
import { CommitInDoubt, translateDatabaseError } from '@movie-ticketing/kit/database-errors';
import {
  isConnectionLost,
  isDatabaseUnavailable,
  isLockTimeout,
  isRetryable,
  isUniqueViolation,
} from '@movie-ticketing/kit/sqlstate';
import type { ApiResponse } from '@movie-ticketing/kit/endpoint';
import { Problem } from '@movie-ticketing/kit/problems';

import { makeBatchRepository, type NewKey } from './batch.repository.ts';
import type { ReferencedOrder } from './booking-order.ts';
import { decideBatch, type Decision } from './decide-batch.ts';

/** An answer, or the Problem to throw. */
export type Outcome = ApiResponse | Problem;

export type BatchSettings = {
  holdMs: number;
  /** How long the database may be away before a batch is given up with 503. */
  patienceMs: number;
};

const maximumTries = 5;

/**
 * Runs a batch to its end and tells each order's outcome, in the same order. Nothing is told before
 * the commit, refusals included: they may rest on seats the batch itself takes. Never throws.
 */
export const runBatch = async (
  db: Database,
  orders: readonly ReferencedOrder[],
  settings: BatchSettings,
): Promise<Outcome[]> => {
  const deadline = performance.now() + settings.patienceMs;
  for (let tries = 1; ; tries += 1) {
    let decisions: Decision[] = [];
    try {
      decisions = await db.attempt(async (tx) => {
        decisions = await decideAndWrite(makeBatchRepository(tx), orders, settings.holdMs);
        return decisions;
      });
      return decisions.map(toOutcome);
    } catch (error) {
      if (error instanceof CommitInDoubt) {
        const committed = await lookUpCommit(db, orders, decisions, deadline);
        if (committed === 'yes') return decisions.map(toOutcome);
        // Known not to have happened: again, unless the database has been failing for too long.
        if (committed === 'no' && performance.now() < deadline) continue;
        return orders.map(() => unavailable(error));
      }
      if (isConnectionLost(error)) {
        if (performance.now() > deadline) return orders.map(() => unavailable(error));
        await pause(100);
        continue;
      }
      if (isLockTimeout(error)) {
        const rest = await withoutBlocked(db, orders, settings);
        if (rest !== undefined) return rest;
      }
      const again = isRetryable(error) || isOwnKeyTaken(error);
      if (again && tries < maximumTries) continue;
      // No order's fault: half of them would fare no better.
      if (isDatabaseUnavailable(error)) return orders.map(() => toProblem(error));
      return halve(db, orders, settings, error);
    }
  }
};

const decideAndWrite = async (
  repository: ReturnType<typeof makeBatchRepository>,
  orders: readonly ReferencedOrder[],
  holdMs: number,
): Promise<Decision[]> => {
  const screenings = await repository.lockScreenings(screeningIds(orders));
  const view = await repository.readView(orders);
  const decisions = decideBatch(orders, { screenings, ...view }, holdMs);
  const taken = new Map<number, number>();
  const keys: NewKey[] = [];
  const bookings = decisions.flatMap((decision, index) => {
    if (decision.kind !== 'book') return [];
    const { booking, json } = decision;
    taken.set(booking.screeningId, (taken.get(booking.screeningId) ?? 0) + booking.numTickets);
    const request = orders[index]?.idempotency;
    if (request !== undefined) keys.push({ ...request, status: 201, body: json });
    return [booking];
  });
  if (bookings.length > 0) await repository.write(bookings, taken, keys);
  return decisions;
};

const screeningIds = (orders: readonly ReferencedOrder[]): number[] =>
  [...new Set(orders.map(({ screeningId }) => screeningId))].sort((a, b) => a - b);

const toOutcome = (decision: Decision): Outcome => {
  switch (decision.kind) {
    case 'book':
      return {
        status: 201,
        json: decision.json,
        headers: { Location: `/bookings/${String(decision.booking.id)}` },
      };
    case 'answer':
      return decision.answer;
    case 'refuse':
      return decision.problem;
  }
};

/**
 * After a connection that broke at COMMIT: did it happen? Taking the batch's locks first waits for
 * the old transaction to end one way or the other; only then do its references tell the truth.
 */
const lookUpCommit = async (
  db: Database,
  orders: readonly ReferencedOrder[],
  decisions: readonly Decision[],
  deadline: number,
): Promise<'yes' | 'no' | 'unknown'> => {
  const references = decisions.flatMap((it) => (it.kind === 'book' ? [it.booking.reference] : []));
  if (references.length === 0) return 'yes'; // it changed nothing: its refusals stand
  for (;;) {
    try {
      return await db.attempt(async (tx) => {
        const repository = makeBatchRepository(tx);
        await repository.lockScreenings(screeningIds(orders));
        const found = await repository.findReferences(references);
        return found.size > 0 ? 'yes' : 'no';
      });
    } catch {
      if (performance.now() > deadline) return 'unknown';
      await pause(100);
    }
  }
};

/** A screening that somebody holds locked gets 503 alone; the rest runs again. Undefined: none is held. */
const withoutBlocked = async (
  db: Database,
  orders: readonly ReferencedOrder[],
  settings: BatchSettings,
): Promise<Outcome[] | undefined> => {
  let blocked: Set<number>;
  try {
    blocked = await db.attempt((tx) => makeBatchRepository(tx).findBlocked(screeningIds(orders)));
  } catch {
    return undefined;
  }
  if (blocked.size === 0) return undefined;
  const rest = orders.filter(({ screeningId }) => !blocked.has(screeningId));
  const outcomes = rest.length === 0 ? [] : await runBatch(db, rest, settings);
  const byOrder = new Map(rest.map((order, index) => [order, outcomes[index]]));
  return orders.map(
    (order) =>
      byOrder.get(order) ??
      new Problem('overloaded', {
        detail: 'This screening is busy: try again shortly.',
        retryAfter: 1,
      }),
  );
};

/**
 * A batch that fails for a reason nobody foresaw is halved until the one order that causes it stands
 * alone: one bad booking never fails its neighbours.
 */
const halve = async (
  db: Database,
  orders: readonly ReferencedOrder[],
  settings: BatchSettings,
  error: unknown,
): Promise<Outcome[]> => {
  if (orders.length <= 1) return orders.map(() => toProblem(error));
  const middle = Math.ceil(orders.length / 2);
  const first = await runBatch(db, orders.slice(0, middle), settings);
  return [...first, ...(await runBatch(db, orders.slice(middle), settings))];
};

/** Another process committed the same key between our look and our insert: now it can be seen. */
const isOwnKeyTaken = (error: unknown): boolean =>
  isUniqueViolation(error, 'bookings_idempotency_keys_pkey');

const toProblem = (error: unknown): Problem => {
  const translated = translateDatabaseError(error);
  return translated instanceof Problem ? translated : new Problem('internal', { cause: error });
};

const unavailable = (cause: unknown): Problem =>
  new Problem('unavailable', {
    detail:
      'The database cannot be reached right now. Whether the seats are held is unknown until you repeat the request with its Idempotency-Key.',
    retryAfter: 2,
    cause,
  });

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
