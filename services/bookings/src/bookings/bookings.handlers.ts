import type { ApiResponse, Handler } from '@movie-ticketing/kit/endpoint';
import { withReplayHeader } from '@movie-ticketing/kit/idempotency';
import type { z } from 'zod';

import type { TicketWish } from '../batch/booking-request.ts';
import type * as endpoints from './bookings.endpoints.ts';
import { presentBooking, type Booking, type newBooking } from './bookings.schema.ts';
import type { BookingsService, NewBooking } from './bookings.service.ts';

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

type NewBookingBody = z.output<ReturnType<typeof newBooking>>;

const toOrder = (body: NewBookingBody): NewBooking => {
  const { num_tickets: count = 0, tickets, best_available: best } = body;
  return {
    screeningId: body.screening_id,
    numTickets: tickets?.length ?? count,
    wish: tickets === undefined && best === undefined ? undefined : toWish(count, tickets, best),
    promoCode: body.promo_code,
    userId: body.user_id,
  };
};

const toWish = (
  count: number,
  tickets: NewBookingBody['tickets'],
  best: NewBookingBody['best_available'],
): TicketWish => {
  const anyTicket = { ticketTypeId: undefined, seat: undefined };
  return {
    tickets:
      tickets?.map(({ ticket_type_id: ticketTypeId, seat }) => ({ ticketTypeId, seat })) ??
      Array.from({ length: count }, () => anyTicket),
    bestAvailable: best && {
      category: best.category,
      accessible: best.accessible ?? false,
      together: best.together ?? 'preferred',
      acrossCategories: best.across_categories ?? false,
    },
  };
};

export const makeBookingsHandlers = (service: BookingsService) => {
  const createBooking: Handler<ReturnType<typeof endpoints.createBooking>> = async ({
    currentUser,
    body,
    idempotency,
    isGone,
  }) => {
    const { result, isReplay } = await service.book(currentUser, toOrder(body), {
      idempotency,
      isGone,
    });
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
