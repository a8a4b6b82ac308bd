import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import { bookingStatuses } from '../src/bookings/bookings.schema.ts';
import { paymentStatuses } from '../src/payments/payments.schema.ts';
import { presentPaymentResult } from '../src/payments/payments.handlers.ts';
import { decideSettlement, outcomeOf } from '../src/payments/settle-payment.ts';

describe('settling a payment', () => {
  test('an approved charge confirms a pending booking', () => {
    expect(decideSettlement('approved', 'pending')).toEqual({
      payment: 'succeeded',
      booking: 'confirmed',
    });
  });

  test('keeps money only for a booking that was pending', () => {
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

  test('responds 200 if the money is kept, 202 if the outcome is unknown, and refuses otherwise', () => {
    const fields = { id: 1, bookingId: 2, amountMinor: 3, currency: 'USD', paidAt: null };
    for (const status of paymentStatuses) {
      for (const booking of bookingStatuses) {
        const outcome = outcomeOf(status, booking);
        const response = presentPaymentResult({ payment: { ...fields, status }, outcome });
        if (status === 'succeeded') expect(response.status).toBe(200);
        else if (status === 'processing') expect(response.status).toBe(202);
        else {
          expect(response.status).toBe(status === 'declined' ? 402 : 409);
          expect(response.body).toMatchObject({ code: outcome });
        }
      }
    }
  });

  test('a replay has the status of the first response although the payment was refunded later', () => {
    const payment = { id: 1, bookingId: 2, amountMinor: 3, currency: 'USD', paidAt: new Date() };
    expect(
      presentPaymentResult({ payment: { ...payment, status: 'refunded' }, outcome: 'succeeded' }),
    ).toEqual(
      presentPaymentResult({ payment: { ...payment, status: 'succeeded' }, outcome: 'succeeded' }),
    );
  });
});
