import type { ApiResponse, Handler } from '@movie-ticketing/kit/endpoint';
import { withReplayHeader } from '@movie-ticketing/kit/idempotency';

import type * as endpoints from './bookings.endpoints.ts';
import { presentBooking, type Booking } from './bookings.schema.ts';
import type { BookingsService } from './bookings.service.ts';

/** The response of a new booking, for the first request and its replays. */
const presentCreated = (booking: Booking): ApiResponse => ({
  status: 201,
  headers: { Location: `/bookings/${String(booking.id)}` },
  body: { booking: presentBooking(booking) },
});

const presentOne = (booking: Booking): ApiResponse => ({
  status: 200,
  body: { booking: presentBooking(booking) },
});

export const makeBookingsHandlers = (service: BookingsService) => {
  const createBooking: Handler<ReturnType<typeof endpoints.createBooking>> = async ({
    currentUser,
    body,
    idempotency,
    isGone,
  }) => {
    const { result, isReplay } = await service.book(
      currentUser,
      { screeningId: body.screening_id, numTickets: body.num_tickets, userId: body.user_id },
      { idempotency, isGone },
    );
    return withReplayHeader(presentCreated(result), isReplay);
  };

  const listBookings: Handler<typeof endpoints.listBookings> = async ({ currentUser, query }) => {
    const page = await service.list(currentUser, {
      userId: query.user_id,
      screeningId: query.screening_id,
      status: query.status,
      reference: query.reference,
      before: query.cursor?.[0],
      limit: query.limit,
    });
    return {
      status: 200,
      body: { bookings: page.rows.map(presentBooking), next_cursor: page.nextCursor },
    };
  };

  const getBooking: Handler<typeof endpoints.getBooking> = async ({ currentUser, params }) =>
    presentOne(await service.get(currentUser, params.id));

  const cancelBooking: Handler<typeof endpoints.cancelBooking> = async ({
    currentUser,
    params,
    body,
    idempotency,
  }) => {
    const { result, isReplay } = await service.cancel(
      currentUser,
      { id: params.id, afterStart: body.after_start ?? false },
      idempotency,
    );
    return withReplayHeader(presentOne(result), isReplay);
  };

  return { createBooking, listBookings, getBooking, cancelBooking };
};
