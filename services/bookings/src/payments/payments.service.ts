import type { CurrentUser } from '@movie-ticketing/kit/current-user';
import type { Database, Queryable } from '@movie-ticketing/kit/database';
import { withDeadline } from '@movie-ticketing/kit/deadline';
import {
  keyInFlight,
  keyReused,
  type IdempotentRequest,
  type Replayable,
} from '@movie-ticketing/kit/idempotency';
import { makeInFlight } from '@movie-ticketing/kit/in-flight';
import type { Logger } from '@movie-ticketing/kit/logging';
import { Problem } from '@movie-ticketing/kit/problems';
import { isUniqueViolation } from '@movie-ticketing/kit/sqlstate';

import { makeBookingsRepository, type ScreeningState } from '../bookings/bookings.repository.ts';
import type { Booking } from '../bookings/bookings.schema.ts';
import {
  makeIdempotencyKeysRepository,
  type StoredKey,
} from '../idempotency/idempotency-keys.repository.ts';
import { requireVisible } from '../visibility.ts';
import type { PaymentProvider } from './payment-provider.ts';
import { makePaymentsRepository } from './payments.repository.ts';
import type { Payment } from './payments.schema.ts';
import { settlePayment, type PaymentOutcome, type PaymentResult } from './settle-payment.ts';

export type PaymentsService = ReturnType<typeof makePaymentsService>;

type NewPayment = {
  bookingId: number;
  token: string | undefined;
  idempotency: IdempotentRequest | undefined;
};

export const makePaymentsService = (
  db: Database,
  provider: PaymentProvider,
  options: { timeoutMs: number; logger: Logger; observe: (outcome: string) => void },
) => {
  const repository = makePaymentsRepository(db);

  /**
   * Charges with no transaction open: a slow provider must not hold a lock or a connection. After any
   * error the outcome is unknown, and the reconciler settles the payment.
   */
  const charge = async ({ id, amountMinor, currency }: Payment, token: string | undefined) => {
    try {
      return await withDeadline(options.timeoutMs, (signal) =>
        provider.charge({ key: String(id), amountMinor, currency, token }, signal),
      );
    } catch (error) {
      options.logger.warn({ error, payment_id: id }, 'payment outcome unknown');
      return undefined;
    }
  };

  const inFlight = makeInFlight<PaymentResult>();

  const pay = async (
    currentUser: CurrentUser,
    order: NewPayment,
  ): Promise<Replayable<PaymentResult>> => {
    const begun = await beginPayment(db, currentUser, order, options.timeoutMs);
    if ('claimed' in begun) {
      return { result: await awaitResult(db, begun.claimed, options.timeoutMs), isReplay: true };
    }
    const outcome = await charge(begun.payment, order.token);
    if (outcome === undefined) {
      options.observe('in_doubt');
      return { result: { payment: begun.payment, outcome: 'processing' }, isReplay: false };
    }
    const result = await settlePayment(db, begun.payment, outcome);
    options.observe(result.payment.status);
    return { result, isReplay: false };
  };

  return {
    get: async (currentUser: CurrentUser, id: number): Promise<Payment> =>
      requireVisible(currentUser, await repository.find(id), 'Payment'),

    pay: (currentUser: CurrentUser, order: NewPayment): Promise<Replayable<PaymentResult>> =>
      inFlight(order.idempotency, () => pay(currentUser, order)),
  };
};

/** A new payment, or the request whose key an earlier payment has claimed. */
type Begun = { payment: Payment } | { claimed: IdempotentRequest };

/**
 * The first transaction: records the payment as processing and claims the key. A repeat with the same key
 * waits on the booking's lock, then finds the key.
 */
const beginPayment = async (
  db: Database,
  currentUser: CurrentUser,
  order: NewPayment,
  timeoutMs: number,
): Promise<Begun> => {
  const { idempotency } = order;
  if (idempotency !== undefined && (await findClaim(db, idempotency)) !== undefined) {
    return { claimed: idempotency };
  }
  requireVisible(currentUser, await makeBookingsRepository(db).find(order.bookingId), 'Booking');
  try {
    return await db.transaction(async (tx): Promise<Begun> => {
      const bookings = makeBookingsRepository(tx);
      const payments = makePaymentsRepository(tx);
      const booking = await bookings.lock(order.bookingId);
      if (idempotency !== undefined && (await findClaim(tx, idempotency)) !== undefined) {
        return { claimed: idempotency };
      }
      refusePayment(
        booking,
        await payments.findLive(booking.id),
        await bookings.findScreening(booking.screeningId),
      );
      // The reconciler waits until this process has had time to settle the payment.
      const payment = await payments.insert(booking, timeoutMs + 3_000);
      if (idempotency !== undefined) await claimKey(tx, idempotency, payment.id);
      return { payment };
    });
  } catch (error) {
    // A payment for another booking claimed the key at the same time: this transaction is rolled back.
    if (idempotency !== undefined && isUniqueViolation(error)) return { claimed: idempotency };
    throw error;
  }
};

const claimKey = (tx: Queryable, request: IdempotentRequest, paymentId: number): Promise<void> =>
  makeIdempotencyKeysRepository(tx).insert({ request, bookingId: null, paymentId, outcome: null });

/** The payment that claimed the request's key, if there is one. */
const findClaim = async (
  db: Queryable,
  request: IdempotentRequest,
): Promise<StoredKey | undefined> => {
  const claim = await makeIdempotencyKeysRepository(db).find(request);
  if (claim !== undefined && !claim.requestHash.equals(request.requestHash)) throw keyReused();
  return claim;
};

/**
 * The screening is read without a lock, for a payment changes no seats. If it is cancelled after this
 * check, the worker that cancels its bookings requests the refund.
 */
const refusePayment = (
  booking: Booking,
  live: Payment | undefined,
  screening: ScreeningState,
): void => {
  if (live?.status === 'processing') {
    throw new Problem('payment_processing', {
      detail: 'A payment for this booking is already being processed.',
      retryAfter: 1,
    });
  }
  switch (booking.status) {
    case 'confirmed':
      throw new Problem('booking_already_paid', { detail: 'The booking is already paid.' });
    case 'cancelled':
    case 'refunded':
      throw new Problem('booking_cancelled', {
        detail: 'The booking is cancelled. Nothing was charged.',
      });
    case 'expired':
      throw expired();
    case 'pending':
      // Expired by the database's clock, read after the lock, although no worker has marked it yet.
      if (booking.expiresAt <= screening.now) throw expired();
      refuseScreening(screening);
  }
};

const refuseScreening = ({ status, hasStarted }: ScreeningState): void => {
  if (status === 'cancelled') {
    throw new Problem('screening_cancelled', {
      detail: 'The screening is cancelled. Nothing was charged.',
    });
  }
  if (hasStarted) {
    throw new Problem('screening_started', {
      detail: 'The screening has started. Nothing was charged.',
    });
  }
};

const expired = (): Problem =>
  new Problem('booking_expired', {
    detail: 'The booking has expired. Nothing was charged. Make a new booking.',
  });

const firstPollMs = 50;
const longestPollMs = 500;

/**
 * The result of a payment that was begun with this key, here or in another process. Waits as long as its
 * first request may take. If the outcome is still unknown then, the repeat gets the same as the first:
 * `processing`.
 */
const awaitResult = async (
  db: Queryable,
  request: IdempotentRequest,
  timeoutMs: number,
): Promise<PaymentResult> => {
  const payments = makePaymentsRepository(db);
  let pollMs = firstPollMs;
  for (let waited = 0; ; waited += pollMs, pollMs = Math.min(pollMs * 2, longestPollMs)) {
    const claim = await findClaim(db, request);
    if (claim === undefined || claim.paymentId === null) throw keyInFlight();
    if (claim.outcome !== null) {
      const payment = await payments.get(claim.paymentId);
      return { payment, outcome: claim.outcome as PaymentOutcome };
    }
    if (waited >= timeoutMs) {
      const payment = await payments.get(claim.paymentId);
      if (payment.status === 'processing') return { payment, outcome: payment.status };
    }
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
};
