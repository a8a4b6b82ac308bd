import type { Database } from '@movie-ticketing/kit/database';
import type { Logger } from '@movie-ticketing/kit/logging';

import { makeBookingsRepository } from '../bookings/bookings.repository.ts';
import type { PaymentProvider } from './payment-provider.ts';
import { makePaymentsRepository, type OpenPayment } from './payments.repository.ts';
import { settlePayment, type ChargeOutcome } from './settle-payment.ts';

const paymentsPerRound = 50;

/**
 * One round of settling what a crash or a slow provider left open: payments whose outcome is unknown, and
 * refunds that the provider has not confirmed. Any number of processes may run it: each payment is
 * reserved by one at a time, and repeating its work has no effect, for every call carries a key.
 * @returns whether more may be due
 */
export const reconcilePayments = async (options: {
  db: Database;
  provider: PaymentProvider;
  abandonAfterMs: number;
  logger: Logger;
  observe: (outcome: string) => void;
}): Promise<boolean> => {
  const open = await makePaymentsRepository(options.db).takeOpen(paymentsPerRound);
  for (const payment of open) {
    try {
      if (payment.status === 'refund_pending') await refund(options.db, options.provider, payment);
      else await resolveOutcome(options, payment);
    } catch (error) {
      // It is retried at its next check; the others continue.
      options.logger.warn({ error, payment_id: payment.id }, 'payment not settled, will retry');
    }
  }
  return open.length === paymentsPerRound;
};

const resolveOutcome = async (
  options: Parameters<typeof reconcilePayments>[0],
  payment: OpenPayment,
): Promise<void> => {
  const charge = {
    key: String(payment.id),
    amountMinor: payment.amountMinor,
    currency: payment.currency,
  };
  const found = await options.provider.lookUp(charge.key);
  const outcome: ChargeOutcome | undefined =
    found !== 'unknown'
      ? found
      : payment.ageMs >= options.abandonAfterMs
        ? await options.provider.abandon(charge)
        : undefined;
  if (outcome === undefined) return;
  const settled = await settlePayment(options.db, payment, outcome);
  options.observe(settled.payment.status);
};

const refund = async (
  db: Database,
  provider: PaymentProvider,
  payment: OpenPayment,
): Promise<void> => {
  await provider.refund(String(payment.id));
  await db.transaction(async (tx) => {
    const bookings = makeBookingsRepository(tx);
    const payments = makePaymentsRepository(tx);
    const booking = await bookings.lock(payment.bookingId);
    const current = await payments.lock(payment.id);
    if (current.status !== 'refund_pending') return;
    await payments.setStatus(payment.id, 'refunded');
    // An expired booking whose late payment is refunded stays expired.
    if (booking.status === 'cancelled') await bookings.setStatus(booking.id, 'refunded');
  });
};
