import { id, instantOut, money, secretText } from '@movie-ticketing/kit/fields';
import { z } from 'zod';

export const paymentStatuses = [
  'processing',
  'succeeded',
  'declined',
  'refund_pending',
  'refunded',
] as const;
export type PaymentStatus = (typeof paymentStatuses)[number];

export const payment = z
  .strictObject({
    id: id(),
    booking_id: id(),
    amount: money,
    status: z.enum(paymentStatuses),
    paid_at: instantOut().nullable(),
  })
  .meta({ id: 'Payment' });

export const paymentEnvelope = z.strictObject({ payment });

export const newPayment = z
  .strictObject({
    booking_id: id(),
    payment_token: secretText(1, 200)
      .describe(
        'The token from the payment page. The simulated provider accepts `tok_approved` (the default), `tok_declined`, `tok_timeout` (no response and no charge: 202, later declined) and `tok_late` (a late response: 202, later approved). Any other token is declined.',
      )
      .exactOptional(),
  })
  .meta({ id: 'NewPayment' });

/** Amounts are in minor units. */
export type Payment = {
  id: number;
  bookingId: number;
  amountMinor: number;
  currency: string;
  status: PaymentStatus;
  paidAt: Date | null;
};

export const presentPayment = (it: Payment): z.input<typeof payment> => ({
  id: it.id,
  booking_id: it.bookingId,
  amount: { amount: it.amountMinor, currency: it.currency },
  status: it.status,
  paid_at: it.paidAt?.toISOString() ?? null,
});
