import type { Database } from '@movie-ticketing/kit/database';
import { withDeadline } from '@movie-ticketing/kit/deadline';
import type { Logger } from '@movie-ticketing/kit/logging';

import { makeBookingsRepository } from '../bookings/bookings.repository.ts';
import type { PaymentProvider } from './payment-provider.ts';
import { makePaymentsRepository, type OpenPayment } from './payments.repository.ts';
import { settlePayment, type ChargeOutcome } from './settle-payment.ts';

const paymentsPerRound = 50;
/** At once: a provider that does not respond delays the others by one time-out, not by fifty. */
const concurrentPayments = 10;

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
  /** How long a call of the provider may take. */
  timeoutMs: number;
  logger: Logger;
  observe: (outcome: string) => void;
}): Promise<boolean> => {
  const open = await makePaymentsRepository(options.db).takeOpen(paymentsPerRound);
  const next = open.values();
  const settleRest = async (): Promise<void> => {
    for (const payment of next) await reconcile(options, payment);
  };
  await Promise.all(Array.from({ length: concurrentPayments }, settleRest));
  return open.length === paymentsPerRound;
};

type Options = Parameters<typeof reconcilePayments>[0];

const reconcile = async (options: Options, payment: OpenPayment): Promise<void> => {
  try {
    if (payment.status === 'refund_pending') await refund(options, payment);
    else await resolveOutcome(options, payment);
  } catch (error) {
    // It is retried at its next check; the others continue.
    options.logger.warn({ error, payment_id: payment.id }, 'payment not settled, will retry');
  }
};

const resolveOutcome = async (options: Options, payment: OpenPayment): Promise<void> => {
  const charge = {
    key: String(payment.id),
    amountMinor: payment.amountMinor,
    currency: payment.currency,
  };
  const { provider, timeoutMs } = options;
  const found = await withDeadline(timeoutMs, (signal) => provider.lookUp(charge.key, signal));
  const outcome: ChargeOutcome | undefined =
    found !== 'unknown'
      ? found
      : payment.ageMs >= options.abandonAfterMs
        ? await withDeadline(timeoutMs, (signal) => provider.abandon(charge, signal))
        : undefined;
  if (outcome === undefined) return;
  const settled = await settlePayment(options.db, payment, outcome);
  options.observe(settled.payment.status);
};

const refund = async (
  { db, provider, timeoutMs }: Options,
  payment: OpenPayment,
): Promise<void> => {
  await withDeadline(timeoutMs, (signal) => provider.refund(String(payment.id), signal));
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
