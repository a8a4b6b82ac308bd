import type { Database, Queryable } from '@movie-ticketing/kit/database';
import { isUniqueViolation } from '@movie-ticketing/kit/sqlstate';
import type { ApiResponse, CurrentUser, IdempotentRequest } from '@movie-ticketing/kit/endpoint';
import { keyReused, replayed } from '@movie-ticketing/kit/idempotency';
import type { Logger } from '@movie-ticketing/kit/logging';
import { Problem } from '@movie-ticketing/kit/problems';

import { makeBookingsRepository } from '../bookings/bookings.repository.ts';
import type { Booking } from '../bookings/bookings.schema.ts';
import { seenBy } from '../bookings/bookings.service.ts';
import type { PaymentProvider } from './payment-provider.ts';
import { makePaymentsRepository } from './payments.repository.ts';
import { presentPayment, type Payment } from './payments.schema.ts';
import { settlePayment } from './settle-payment.ts';

export type PaymentsService = ReturnType<typeof makePaymentsService>;

type PaymentOrder = {
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
   * Asks the provider with no transaction open: a slow one must not hold a lock or a connection.
   * Whatever goes wrong leaves the payment in doubt, for the reconciler to find out.
   */
  const charge = async (payment: Payment, token: string | undefined) => {
    try {
      return await provider.charge(
        {
          key: String(payment.id),
          amountMinor: payment.amountMinor,
          currency: payment.currency,
          token,
        },
        AbortSignal.timeout(options.timeoutMs),
      );
    } catch (error) {
      options.logger.warn({ error, payment_id: payment.id }, 'a payment is in doubt');
      return undefined;
    }
  };

  return {
    get: async (currentUser: CurrentUser, id: number): Promise<Payment> =>
      seenBy(currentUser, await repository.find(id)),

    pay: async (currentUser: CurrentUser, order: PaymentOrder): Promise<ApiResponse> => {
      const begun = await beginPayment(db, currentUser, order, options.timeoutMs);
      if (!('payment' in begun)) return awaitAnswer(repository, begun.claimed, options.timeoutMs);
      const outcome = await charge(begun.payment, order.token);
      if (outcome === undefined) {
        options.observe('in_doubt');
        return { status: 202, body: { payment: presentPayment(begun.payment) } };
      }
      const settled = await settlePayment(db, begun.payment, outcome);
      options.observe(settled.payment.status);
      return settled.answer;
    },
  };
};

type Begun = { payment: Payment } | { claimed: IdempotentRequest };

/**
 * The first transaction: records the payment as processing and claims the key. A repeat with the
 * same key waits on the booking's lock, then finds the key.
 */
const beginPayment = async (
  db: Database,
  currentUser: CurrentUser,
  order: PaymentOrder,
  timeoutMs: number,
): Promise<Begun> => {
  const { idempotency } = order;
  if (idempotency !== undefined && (await isClaimed(db, idempotency)))
    return { claimed: idempotency };
  seenBy(currentUser, await makeBookingsRepository(db).find(order.bookingId));
  try {
    return await db.transaction(async (tx): Promise<Begun> => {
      const bookings = makeBookingsRepository(tx);
      const payments = makePaymentsRepository(tx);
      const booking = seenBy(currentUser, await bookings.lock(order.bookingId));
      if (idempotency !== undefined && (await isClaimed(tx, idempotency))) {
        return { claimed: idempotency };
      }
      refusePayment(booking, await payments.findLive(booking.id), await bookings.now());
      // The reconciler keeps away until this process has surely had its turn.
      const payment = await payments.insert(booking, timeoutMs + 3_000);
      if (idempotency !== undefined) await payments.claimKey(idempotency, payment.id);
      return { payment };
    });
  } catch (error) {
    // Another booking's payment claimed the key meanwhile: the loser's row is rolled back.
    if (idempotency !== undefined && isUniqueViolation(error)) return { claimed: idempotency };
    throw error;
  }
};

const isClaimed = async (db: Queryable, request: IdempotentRequest): Promise<boolean> => {
  const claim = await makePaymentsRepository(db).findClaim(request);
  if (claim === undefined) return false;
  if (!claim.requestHash.equals(request.requestHash)) throw keyReused();
  return true;
};

const refusePayment = (booking: Booking, live: Payment | undefined, now: Date): void => {
  if (live?.status === 'processing') {
    throw new Problem('payment_processing', {
      detail: 'A payment for this booking is being processed already.',
      retryAfter: 1,
    });
  }
  switch (booking.status) {
    case 'confirmed':
      throw new Problem('booking_already_paid', { detail: 'This booking is paid already.' });
    case 'cancelled':
    case 'refunded':
      throw new Problem('booking_cancelled', {
        detail: 'This booking is cancelled: nothing is charged.',
      });
    case 'expired':
      throw expired();
    case 'pending':
      // Run out by the database's clock, read after the lock, though the sweeper has not come yet.
      if (booking.expiresAt <= now) throw expired();
  }
};

const expired = (): Problem =>
  new Problem('booking_expired', {
    detail: 'This booking has expired: nothing is charged. Book again.',
  });

const pollMs = 50;

/**
 * The answer of a payment that was begun with this key, here or in another process. Waits as long as
 * its first request may take; still in doubt then, the repeat is told the same as the first: 202.
 */
const awaitAnswer = async (
  repository: ReturnType<typeof makePaymentsRepository>,
  request: IdempotentRequest,
  timeoutMs: number,
): Promise<ApiResponse> => {
  for (let waited = 0; ; waited += pollMs) {
    const claim = await repository.findClaim(request);
    if (claim === undefined) throw new Problem('idempotency_key_in_flight', { retryAfter: 1 });
    if (!claim.requestHash.equals(request.requestHash)) throw keyReused();
    if (claim.status !== null && claim.body !== null) return replayed(claim.status, claim.body);
    if (waited >= timeoutMs && claim.paymentId !== null) {
      const payment = await repository.find(claim.paymentId);
      if (payment?.status === 'processing') {
        return replayed(202, JSON.stringify({ payment: presentPayment(payment) }));
      }
    }
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
};
