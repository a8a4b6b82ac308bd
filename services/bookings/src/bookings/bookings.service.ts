import type { CurrentUser } from '@movie-ticketing/kit/current-user';
import type { Database } from '@movie-ticketing/kit/database';
import {
  keyReused,
  runOnce,
  type IdempotentRequest,
  type KeyStore,
  type Replayable,
} from '@movie-ticketing/kit/idempotency';
import { toPage } from '@movie-ticketing/kit/pagination';
import { Problem, userDeleted } from '@movie-ticketing/kit/problems';

import type { BookingQueue } from '../batch/booking-queue.ts';
import { makeReference, type BookingRequest, type Refusal } from '../batch/booking-request.ts';
import { makeIdempotencyKeysRepository } from '../idempotency/idempotency-keys.repository.ts';
import { makePaymentsRepository } from '../payments/payments.repository.ts';
import { makeSeatsRepository } from '../seats/seats.repository.ts';
import { isStaff, requireVisible } from '../visibility.ts';
import { makeBookingsRepository, type BookingFilter } from './bookings.repository.ts';
import type { Booking, BookingStatus } from './bookings.schema.ts';
import { releaseBookings } from './release-bookings.ts';

export type BookingsService = ReturnType<typeof makeBookingsService>;

export type NewBooking = Pick<
  BookingRequest,
  'screeningId' | 'numTickets' | 'wish' | 'promoCode'
> & { userId?: number | undefined };

/** `afterStart`: cancel although the screening has started. Only for admins. */
type Cancellation = { id: number; afterStart: boolean };

export const makeBookingsService = (db: Database, queue: BookingQueue) => {
  const repository = makeBookingsRepository(db);
  return {
    /** Holds seats, in a batch with the requests that arrived at the same time. */
    book: async (
      currentUser: CurrentUser,
      { userId = currentUser.userId, ...order }: NewBooking,
      {
        idempotency,
        isGone,
      }: { idempotency: IdempotentRequest | undefined; isGone: () => boolean },
    ): Promise<Replayable<Booking>> => {
      if (userId !== currentUser.userId && !isStaff(currentUser)) {
        throw new Problem('forbidden', { detail: 'Only staff may book for another user.' });
      }
      const request = {
        ...order,
        ...{ userId, idempotency },
        reference: makeReference(),
        requestedBy: currentUser.userId,
        byStaff: isStaff(currentUser),
      };
      const result = await queue.submit(request, isGone);
      if (result.kind === 'refused') throw toProblem(result);
      return { result: result.booking, isReplay: result.kind === 'replayed' };
    },

    get: async (currentUser: CurrentUser, id: number): Promise<Booking> =>
      requireVisible(currentUser, await repository.find(id), 'Booking'),

    list: async (currentUser: CurrentUser, filter: BookingFilter) => {
      if (
        !isStaff(currentUser) &&
        filter.userId !== undefined &&
        filter.userId !== currentUser.userId
      ) {
        throw new Problem('forbidden', { detail: 'Only staff may list bookings of other users.' });
      }
      const userId = isStaff(currentUser) ? filter.userId : currentUser.userId;
      const rows = await repository.list({ ...filter, userId, limit: filter.limit + 1 });
      return toPage('bookings', rows, filter.limit, (row) => [row.id]);
    },

    cancel: (
      currentUser: CurrentUser,
      cancellation: Cancellation,
      idempotency: IdempotentRequest | undefined,
    ): Promise<Replayable<Booking>> => cancelBooking(db, currentUser, cancellation, idempotency),
  };
};

/** Releases the seats at once; a payment that succeeded becomes a refund in the same transaction. */
const cancelBooking = async (
  db: Database,
  currentUser: CurrentUser,
  { id, afterStart }: Cancellation,
  idempotency: IdempotentRequest | undefined,
): Promise<Replayable<Booking>> => {
  const found = await makeBookingsRepository(db).find(id);
  const { screeningId } = requireVisible(currentUser, found, 'Booking');
  if (afterStart && currentUser.role !== 'admin') {
    throw new Problem('forbidden', {
      detail: 'Only an admin may cancel a booking after its screening has started.',
    });
  }
  return runOnce(db, storedBookings, idempotency, async (tx) => {
    const bookings = makeBookingsRepository(tx);
    const payments = makePaymentsRepository(tx);
    const seats = makeSeatsRepository(tx);
    const screening = await seats.lockOne(screeningId);
    const booking = await bookings.lock(id);
    refuseCancel(booking, screening.hasStarted && !afterStart);
    // A statement of its own, after the lock: its snapshot includes a payment that began before.
    const payment = await payments.findLive(id);
    if (payment?.status === 'processing') {
      throw new Problem('payment_processing', {
        detail: 'A payment for this booking is being processed. Cancel once it is settled.',
      });
    }
    const cancelled = await bookings.setStatus(id, 'cancelled');
    await payments.requestRefunds([id]);
    await releaseBookings(tx, [booking]);
    return cancelled;
  });
};

const refuseCancel = (booking: Booking, isTooLate: boolean): void => {
  if (booking.status === 'cancelled' || booking.status === 'refunded') {
    throw new Problem('booking_cancelled', { detail: 'The booking is already cancelled.' });
  }
  if (booking.status === 'expired') {
    throw new Problem('booking_expired', { detail: 'The booking has expired.' });
  }
  if (isTooLate) {
    throw new Problem('screening_started', {
      detail: 'A booking can be cancelled until its screening starts.',
    });
  }
};

/** A booking is stored as its id and its status at that time; every other field is immutable. */
const storedBookings: KeyStore<Booking> = {
  constraint: 'bookings_idempotency_keys_pkey',
  find: async (db, request) => {
    const stored = await makeIdempotencyKeysRepository(db).find(request);
    if (stored === undefined || stored.bookingId === null) return undefined;
    const booking = await makeBookingsRepository(db).get(stored.bookingId);
    const status = stored.outcome as BookingStatus;
    return { requestHash: stored.requestHash, result: { ...booking, status } };
  },
  save: (tx, request, { id, status }) =>
    makeIdempotencyKeysRepository(tx).insert({
      request,
      bookingId: id,
      paymentId: null,
      outcome: status,
    }),
};

const toProblem = ({ code, ...options }: Refusal): Problem => {
  if (code === 'unauthenticated') return userDeleted();
  if (code === 'idempotency_key_reused') return keyReused();
  return new Problem(code, options);
};
