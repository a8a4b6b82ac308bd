import type { Database } from '@movie-ticketing/kit/database';
import type { ApiResponse } from '@movie-ticketing/kit/endpoint';
import { Problem, problems, toProblemBody } from '@movie-ticketing/kit/problems';

import { makeBookingsRepository } from '../bookings/bookings.repository.ts';
import type { BookingStatus } from '../bookings/bookings.schema.ts';
import { makePaymentsRepository } from './payments.repository.ts';
import { presentPayment, type Payment, type PaymentStatus } from './payments.schema.ts';

/** What the provider said in the end. */
export type ChargeOutcome = 'approved' | 'declined';

/**
 * Where a payment and its booking go, given what the provider said and how the booking stands now.
 * Money that came too late is never kept: the booking is gone, so the payment turns into a refund.
 */
export const decideSettlement = (
  outcome: ChargeOutcome,
  booking: BookingStatus,
): { payment: PaymentStatus; booking?: BookingStatus } => {
  if (outcome === 'declined') return { payment: 'declined' };
  if (booking === 'pending') return { payment: 'succeeded', booking: 'confirmed' };
  return { payment: 'refund_pending' };
};

/**
 * The second transaction of a payment: locks the booking, then confirms it or records a refund, and
 * stores the answer under the payment's key. Settling twice is a no-op, so that a request and the
 * reconciler may meet.
 */
export const settlePayment = async (
  db: Database,
  payment: Payment,
  outcome: ChargeOutcome,
): Promise<{ payment: Payment; answer: ApiResponse }> =>
  db.transaction(async (tx) => {
    const bookings = makeBookingsRepository(tx);
    const payments = makePaymentsRepository(tx);
    const booking = await bookings.lock(payment.bookingId);
    const current = await payments.lock(payment.id);
    if (booking === undefined || current === undefined) {
      throw new Error(`payment ${String(payment.id)} vanished`);
    }
    if (current.status !== 'processing') {
      return { payment: current, answer: answerOf(current, booking.status) };
    }
    const decision = decideSettlement(outcome, booking.status);
    if (decision.booking !== undefined) await bookings.setStatus(booking.id, decision.booking);
    const settled = await payments.setStatus(payment.id, decision.payment);
    const answer = answerOf(settled, decision.booking ?? booking.status);
    await payments.answerClaim(payment.id, answer.status, answer.json);
    return { payment: settled, answer };
  });

/** What the one who pays is told; stored for repeats, so it names the payment and not a request. */
export const answerOf = (
  payment: Payment,
  booking: BookingStatus,
): ApiResponse & { json: string } => {
  if (payment.status === 'succeeded') return good(200, payment);
  if (payment.status === 'processing') return good(202, payment);
  if (payment.status === 'declined') {
    return refusal(
      payment,
      new Problem('payment_declined', {
        detail:
          'The payment was declined: nothing was charged, and the booking is still held until it expires.',
      }),
    );
  }
  return refusal(
    payment,
    booking === 'expired'
      ? new Problem('booking_expired', {
          detail: 'The booking had expired when the payment came: it is being paid back.',
        })
      : new Problem('booking_cancelled', {
          detail: 'The booking is cancelled: the payment is being paid back.',
        }),
  );
};

const good = (status: number, payment: Payment): ApiResponse & { json: string } => ({
  status,
  json: JSON.stringify({ payment: presentPayment(payment) }),
});

const refusal = (payment: Payment, problem: Problem): ApiResponse & { json: string } => ({
  status: problems[problem.code].status,
  json: JSON.stringify(toProblemBody(problem, `payment-${String(payment.id)}`)),
  headers: { 'Content-Type': 'application/problem+json; charset=utf-8' },
});
