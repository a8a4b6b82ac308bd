import type { Database } from '@movie-ticketing/kit/database';
import type { ApiResponse, CurrentUser, IdempotentRequest } from '@movie-ticketing/kit/endpoint';
import { withIdempotency } from '@movie-ticketing/kit/idempotency';
import { toPage } from '@movie-ticketing/kit/pagination';
import { Problem } from '@movie-ticketing/kit/problems';

import type { BookingOrder } from '../batch/booking-order.ts';
import type { BookingQueue } from '../batch/booking-queue.ts';
import { makePaymentsRepository } from '../payments/payments.repository.ts';
import { makeBookingsRepository, type BookingFilter } from './bookings.repository.ts';
import { presentBooking, type Booking } from './bookings.schema.ts';

export type BookingsService = ReturnType<typeof makeBookingsService>;

const isStaff = (currentUser: CurrentUser): boolean => currentUser.role !== 'customer';

/** Others' things do not exist for a customer. */
export const seenBy = <T extends { userId: number }>(
  currentUser: CurrentUser,
  it: T | undefined,
): T => {
  if (it === undefined || (it.userId !== currentUser.userId && !isStaff(currentUser))) {
    throw new Problem('not_found', { detail: 'There is no such thing of yours.' });
  }
  return it;
};

export const makeBookingsService = (db: Database, queue: BookingQueue) => {
  const repository = makeBookingsRepository(db);
  return {
    /** Holds seats, in a batch with whatever else arrived meanwhile. */
    book: (
      currentUser: CurrentUser,
      order: { screeningId: number; numTickets: number; userId?: number | undefined },
      request: Pick<BookingOrder, 'idempotency' | 'isGone'>,
    ): Promise<ApiResponse> => {
      const userId = order.userId ?? currentUser.userId;
      if (userId !== currentUser.userId && !isStaff(currentUser)) {
        throw new Problem('forbidden', { detail: 'Only staff may book for others.' });
      }
      return queue.submit({ ...order, ...request, userId, requestedBy: currentUser.userId });
    },

    get: async (currentUser: CurrentUser, id: number): Promise<Booking> =>
      seenBy(currentUser, await repository.find(id)),

    list: async (currentUser: CurrentUser, filter: BookingFilter) => {
      if (
        !isStaff(currentUser) &&
        filter.userId !== undefined &&
        filter.userId !== currentUser.userId
      ) {
        throw new Problem('forbidden', { detail: 'Only staff may list others’ bookings.' });
      }
      const userId = isStaff(currentUser) ? filter.userId : currentUser.userId;
      const rows = await repository.list({ ...filter, userId, limit: filter.limit + 1 });
      return toPage('bookings', rows, filter.limit, (row) => [row.id]);
    },

    cancel: (currentUser: CurrentUser, id: number, idempotency: IdempotentRequest | undefined) =>
      cancelBooking(db, currentUser, id, idempotency),
  };
};

/** Gives the seats back at once; a payment that was made is asked back in the same transaction. */
const cancelBooking = async (
  db: Database,
  currentUser: CurrentUser,
  id: number,
  idempotency: IdempotentRequest | undefined,
): Promise<ApiResponse> => {
  const known = seenBy(currentUser, await makeBookingsRepository(db).find(id));
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
