import type { Database } from '@movie-ticketing/kit/database';
import type { CurrentUser } from '@movie-ticketing/kit/current-user';
import { hashRequest, type Replayable } from '@movie-ticketing/kit/idempotency';
import { Problem } from '@movie-ticketing/kit/problems';
import { silentLogger } from '@movie-ticketing/kit/testing/api';

import { insertScreening } from '@movie-ticketing/catalog/testing/builders';
import { makeBookingQueue } from '../src/batch/booking-queue.ts';
import { runBatch } from '../src/batch/run-batch.ts';
import { makeBookingsService } from '../src/bookings/bookings.service.ts';
import { cancelBookingsOfCancelledScreenings } from '../src/holds/cancel-screenings.ts';
import { expireHolds } from '../src/holds/expire-holds.ts';
import { reconcilePayments } from '../src/payments/payment-reconciler.ts';
import { makePaymentsService } from '../src/payments/payments.service.ts';
import type { PaymentOutcome } from '../src/payments/settle-payment.ts';
import { makeSimulatedProvider } from '../src/payments/simulated-provider.ts';
import { batchSettings } from './booking-requests.ts';
import type { BookingsSystem, TestUser } from './system.ts';

export type RealBookings = Awaited<ReturnType<typeof startRealBookings>>;

const observe = (): void => undefined;

/** `ok`, `replayed`, `in_doubt`, or the code of the refusal. */
const outcomeName = async (
  response: Promise<Replayable<{ outcome?: PaymentOutcome }>>,
): Promise<string> => {
  try {
    const { result, isReplay } = await response;
    if (isReplay) return 'replayed';
    if (result.outcome === undefined || result.outcome === 'succeeded') return 'ok';
    return result.outcome === 'processing' ? 'in_doubt' : result.outcome;
  } catch (error) {
    if (error instanceof Problem) return error.code;
    throw error;
  }
};

/** The real service on new screenings, without background workers: the test runs their rounds. */
export const startRealBookings = async (
  system: BookingsSystem,
  db: Database,
  users: readonly TestUser[],
  totals: readonly number[],
  /** Makes a screening with so many seats. */
  newScreening: (total: number) => Promise<{ id: number }> = (total_seats) =>
    insertScreening(system.db, { total_seats }),
) => {
  const screenings: number[] = [];
  for (const total of totals) {
    screenings.push((await newScreening(total)).id);
  }
  const run = String(screenings[0]);
  const queue = makeBookingQueue({ limit: 100, run: (it) => runBatch(db, it, batchSettings) });
  const bookings = makeBookingsService(db, queue);
  const provider = makeSimulatedProvider(db, { lateMs: 0 });
  const payments = makePaymentsService(db, provider, {
    timeoutMs: 1,
    logger: silentLogger,
    observe,
  });
  const ids: number[] = [];
  const owners: number[] = [];
  const currentUser = (owner: number): CurrentUser => ({
    userId: users[owner]!.id,
    role: 'customer',
  });

  return {
    screenings,
    book: async (row: {
      owner: number;
      screening: number;
      tickets: number;
      key: string | undefined;
    }): Promise<string> => {
      const seats = { screeningId: screenings[row.screening]!, numTickets: row.tickets };
      const response = bookings.book(currentUser(row.owner), seats, {
        isGone: () => false,
        idempotency:
          row.key === undefined
            ? undefined
            : {
                userId: users[row.owner]!.id,
                scope: 'POST /bookings',
                key: `${run} ${row.key}`,
                requestHash: hashRequest(seats),
              },
      });
      const outcome = await outcomeName(response as Promise<Replayable<object>>);
      if (outcome === 'ok') {
        ids.push((await response).result.id);
        owners.push(row.owner);
      }
      return outcome;
    },
    pay: (index: number, token: string): Promise<string> =>
      outcomeName(
        payments.pay(currentUser(owners[index]!), {
          bookingId: ids[index]!,
          token,
          idempotency: undefined,
        }),
      ),
    cancel: (index: number): Promise<string> =>
      outcomeName(
        bookings.cancel(
          currentUser(owners[index]!),
          { id: ids[index]!, afterStart: false },
          undefined,
        ) as Promise<Replayable<object>>,
      ),
    makeOverdue: async (index: number): Promise<void> => {
      await system.db.query('UPDATE bookings SET expires_at = clock_timestamp() WHERE id = $1', [
        ids[index],
      ]);
    },
    runExpiry: async (graceIsOver: boolean): Promise<void> => {
      await expireHolds(db, { paymentGraceMs: graceIsOver ? 0 : 600_000, observe });
    },
    cancelScreening: async (screening: number): Promise<void> => {
      await system.db.query(`UPDATE screenings SET status = 'cancelled' WHERE id = $1`, [
        screenings[screening],
      ]);
      while (await cancelBookingsOfCancelledScreenings(db, observe));
    },
    reconcile: async (abandon: boolean): Promise<void> => {
      await system.db.query('UPDATE payments SET next_check_at = clock_timestamp()');
      await reconcilePayments({
        db,
        provider,
        abandonAfterMs: abandon ? 0 : 600_000,
        timeoutMs: 60_000,
        logger: silentLogger,
        observe,
      });
    },
    state: async () => {
      const seats = await Promise.all(screenings.map((id) => system.seatsOf(id)));
      const rows = await system.db.query<{ status: string; payments: string[] }>(
        `SELECT b.status, array(SELECT p.status FROM payments p WHERE p.booking_id = b.id ORDER BY p.id) AS payments
         FROM bookings b WHERE b.screening_id = ANY($1) ORDER BY b.id`,
        [screenings],
      );
      return { seats, bookings: rows };
    },
  };
};
