import type { ApiResponse, Handler } from '@movie-ticketing/kit/endpoint';
import { withReplayHeader } from '@movie-ticketing/kit/idempotency';
import { Problem, problems, toProblemBody } from '@movie-ticketing/kit/problems';

import type * as endpoints from './payments.endpoints.ts';
import { presentPayment, type Payment } from './payments.schema.ts';
import type { PaymentsService } from './payments.service.ts';
import type { PaymentOutcome, PaymentResult } from './settle-payment.ts';

const details = {
  payment_declined:
    'The payment was declined and nothing was charged. The seats are held until the booking expires.',
  booking_expired: 'The booking expired before the payment was approved. The payment is refunded.',
  booking_cancelled: 'The booking is cancelled. The payment is refunded.',
} as const satisfies Partial<Record<PaymentOutcome, string>>;

const presentAccepted = (
  status: 200 | 202,
  payment: Payment,
  outcome: 'succeeded' | 'processing',
): ApiResponse => ({
  status,
  // The status of that time, which a later refund changes.
  body: { payment: presentPayment({ ...payment, status: outcome }) },
});

/** A refusal that is settled and replayed: its instance names the payment and not a request. */
const presentRefused = (payment: Payment, code: keyof typeof details): ApiResponse => ({
  status: problems[code].status,
  headers: { 'Content-Type': 'application/problem+json; charset=utf-8' },
  body: toProblemBody(
    new Problem(code, { detail: details[code] }),
    `payment-${String(payment.id)}`,
  ),
});

/** The response to a payment, for the first request and its replays. */
export const presentPaymentResult = ({ payment, outcome }: PaymentResult): ApiResponse => {
  if (outcome === 'succeeded') return presentAccepted(200, payment, outcome);
  if (outcome === 'processing') return presentAccepted(202, payment, outcome);
  return presentRefused(payment, outcome);
};

export const makePaymentsHandlers = (service: PaymentsService) => {
  const createPayment: Handler<typeof endpoints.createPayment> = async ({
    currentUser,
    body,
    idempotency,
  }) => {
    const { result, isReplay } = await service.pay(currentUser, {
      bookingId: body.booking_id,
      token: body.payment_token,
      idempotency,
    });
    return withReplayHeader(presentPaymentResult(result), isReplay);
  };

  const getPayment: Handler<typeof endpoints.getPayment> = async ({ currentUser, params }) => ({
    status: 200,
    body: { payment: presentPayment(await service.get(currentUser, params.id)) },
  });

  return { createPayment, getPayment };
};
