import { describe, expect, test } from '@jest/globals';
import { problems } from '@movie-ticketing/kit/problems';
import fc from 'fast-check';

import { bookingStatuses } from '../src/bookings/bookings.schema.ts';
import { paymentStatuses } from '../src/payments/payments.schema.ts';
import { answerOf, decideSettlement } from '../src/payments/settle-payment.ts';

describe('settling a payment', () => {
  test('when it was approved in time, then it succeeded and the booking is confirmed', () => {
    expect(decideSettlement('approved', 'pending')).toEqual({
      payment: 'succeeded',
      booking: 'confirmed',
    });
  });

  test('when anything was decided, then money is kept for a booking that was pending and for no other', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('approved' as const, 'declined' as const),
        fc.constantFrom(...bookingStatuses),
        (outcome, booking) => {
          const decision = decideSettlement(outcome, booking);
          const isKept = decision.payment === 'succeeded';
          expect(isKept).toBe(outcome === 'approved' && booking === 'pending');
          expect(decision.booking === 'confirmed').toBe(isKept);
          if (outcome === 'declined') expect(decision).toEqual({ payment: 'declined' });
          else if (!isKept) expect(decision).toEqual({ payment: 'refund_pending' });
        },
      ),
    );
  });

  test('when the one who paid is told, then 200 says the money is kept, 202 that it is in doubt, and all else is a refusal', () => {
    for (const status of paymentStatuses) {
      for (const booking of bookingStatuses) {
        const answer = answerOf(
          { id: 1, bookingId: 2, amountMinor: 3, currency: 'USD', status, paidAt: null },
          booking,
        );
        const body = JSON.parse(answer.json);
        if (status === 'succeeded') expect(answer.status).toBe(200);
        else if (status === 'processing') expect(answer.status).toBe(202);
        else {
          expect(answer.status).toBe(status === 'declined' ? 402 : 409);
          expect(Object.keys(problems)).toContain(body.code);
        }
      }
    }
  });
});
