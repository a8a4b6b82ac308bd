import type { Database } from '@movie-ticketing/kit/database';
import type { Answer, Caller, IdempotentRequest } from '@movie-ticketing/kit/endpoint';
import { withIdempotency } from '@movie-ticketing/kit/idempotency';
import { toPage } from '@movie-ticketing/kit/pagination';
import { Problem } from '@movie-ticketing/kit/problems';

import type { BookingOrder } from '../batch/booking-order.ts';
import type { BookingQueue } from '../batch/booking-queue.ts';
import { makePaymentsRepository } from '../payments/payments.repository.ts';
import { makeBookingsRepository, type BookingFilter } from './bookings.repository.ts';
import { presentBooking, type Booking } from './bookings.schema.ts';

export type BookingsService = ReturnType<typeof makeBookingsService>;

const isStaff = (caller: Caller): boolean => caller.role !== 'customer';

/** Others' things do not exist for a customer. */
export const seenBy = <T extends { userId: number }>(caller: Caller, it: T | undefined): T => {
  if (it === undefined || (it.userId !== caller.userId && !isStaff(caller))) {
    throw new Problem('not_found', { detail: 'There is no such thing of yours.' });
  }
  return it;
};

export const makeBookingsService = (db: Database, queue: BookingQueue) => {
  const repository = makeBookingsRepository(db);
  return {
    /** Holds seats, in a batch with whatever else arrived meanwhile. */
    book: (
      caller: Caller,
      order: { screeningId: number; numTickets: number; userId?: number | undefined },
      request: Pick<BookingOrder, 'idempotency' | 'isGone'>,
    ): Promise<Answer> => {
      const userId = order.userId ?? caller.userId;
      if (userId !== caller.userId && !isStaff(caller)) {
        throw new Problem('forbidden', { detail: 'Only staff may book for others.' });
      }
      return queue.submit({ ...order, ...request, userId, callerId: caller.userId });
    },

    get: async (caller: Caller, id: number): Promise<Booking> =>
      seenBy(caller, await repository.find(id)),

    list: async (caller: Caller, filter: BookingFilter) => {
      if (!isStaff(caller) && filter.userId !== undefined && filter.userId !== caller.userId) {
        throw new Problem('forbidden', { detail: 'Only staff may list others’ bookings.' });
      }
      const userId = isStaff(caller) ? filter.userId : caller.userId;
      const rows = await repository.list({ ...filter, userId, limit: filter.limit + 1 });
      return toPage('bookings', rows, filter.limit, (row) => [row.id]);
    },

    cancel: (caller: Caller, id: number, idempotency: IdempotentRequest | undefined) =>
      cancelBooking(db, caller, id, idempotency),
  };
};

/** Gives the seats back at once; a payment that was made is asked back in the same transaction. */
const cancelBooking = async (
  db: Database,
  caller: Caller,
  id: number,
  idempotency: IdempotentRequest | undefined,
): Promise<Answer> => {
  const known = seenBy(caller, await makeBookingsRepository(db).find(id));
  return withIdempotency(db, 'bookings_idempotency_keys', idempotency, async (tx) => {
    const bookings = makeBookingsRepository(tx);
    const payments = makePaymentsRepository(tx);
    const { started } = await bookings.lockScreening(known.screeningId);
    const booking = await bookings.lock(id);
    if (booking === undefined) throw new Error(`booking ${String(id)} vanished`);
    refuseCancel(booking, started);
    // A statement of its own, after the lock: its snapshot sees a payment that began before.
    const payment = await payments.findLive(id);
    if (payment?.status === 'processing') {
      throw new Problem('payment_processing', {
        detail: 'A payment for this booking is being processed: cancel once it is settled.',
      });
    }
    const cancelled = await bookings.setStatus(id, 'cancelled');
    await bookings.giveBack(known.screeningId, booking.numTickets);
    if (payment !== undefined) await payments.requestRefund([payment.id]);
    return { status: 200, body: { booking: presentBooking(cancelled) } };
  });
};

const refuseCancel = (booking: Booking, started: boolean): void => {
  if (booking.status === 'cancelled' || booking.status === 'refunded') {
    throw new Problem('booking_cancelled', { detail: 'This booking is cancelled already.' });
  }
  if (booking.status === 'expired') {
    throw new Problem('booking_expired', { detail: 'This booking has expired already.' });
  }
  if (started) {
    throw new Problem('screening_started', {
      detail: 'A booking can be cancelled until its screening begins.',
    });
  }
};
