import type { Database } from '@movie-ticketing/kit/database';

import { makeBookingsRepository } from '../bookings/bookings.repository.ts';
import type { BookingStatus } from '../bookings/bookings.schema.ts';
import { makeIdempotencyKeysRepository } from '../idempotency/idempotency-keys.repository.ts';
import { makePaymentsRepository } from './payments.repository.ts';
import type { Payment, PaymentStatus } from './payments.schema.ts';

/** The final decision of the provider. */
export type ChargeOutcome = 'approved' | 'declined';

/** The outcome of a payment for its user. All but the first two are refusals: no money is kept. */
export type PaymentOutcome =
  'processing' | 'succeeded' | 'payment_declined' | 'booking_expired' | 'booking_cancelled';

export type PaymentResult = { payment: Payment; outcome: PaymentOutcome };

/**
 * The new status of a payment and its booking, from the provider's decision and the booking's status now.
 * Money for a booking that is no longer pending is never kept: the payment becomes a refund.
 */
export const decideSettlement = (
  outcome: ChargeOutcome,
  booking: BookingStatus,
): { payment: PaymentStatus; booking?: BookingStatus } => {
  if (outcome === 'declined') return { payment: 'declined' };
  if (booking === 'pending') return { payment: 'succeeded', booking: 'confirmed' };
  return { payment: 'refund_pending' };
};

/** The outcome for the user, from the statuses of a payment and its booking. */
export const outcomeOf = (payment: PaymentStatus, booking: BookingStatus): PaymentOutcome => {
  if (payment === 'succeeded' || payment === 'processing') return payment;
  if (payment === 'declined') return 'payment_declined';
  return booking === 'expired' ? 'booking_expired' : 'booking_cancelled';
};

/**
 * The second transaction of a payment: locks the booking, then confirms it or requests a refund, and
 * stores the outcome under the payment's key. Settling twice has no effect, so a request and the
 * reconciler may do it at the same time.
 */
export const settlePayment = (
  db: Database,
  { id, bookingId }: Payment,
  charge: ChargeOutcome,
): Promise<PaymentResult> =>
  db.transaction(async (tx) => {
    const bookings = makeBookingsRepository(tx);
    const payments = makePaymentsRepository(tx);
    const booking = await bookings.lock(bookingId);
    const current = await payments.lock(id);
    if (current.status !== 'processing') {
      return { payment: current, outcome: outcomeOf(current.status, booking.status) };
    }
    const decision = decideSettlement(charge, booking.status);
    if (decision.booking !== undefined) await bookings.setStatus(booking.id, decision.booking);
    const payment = await payments.setStatus(id, decision.payment);
    const outcome = outcomeOf(payment.status, decision.booking ?? booking.status);
    await makeIdempotencyKeysRepository(tx).settle(id, outcome);
    return { payment, outcome };
  });
