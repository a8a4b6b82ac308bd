import type { Handler } from '@movie-ticketing/kit/endpoint';

import type * as endpoints from './bookings.endpoints.ts';
import { presentBooking } from './bookings.schema.ts';
import type { BookingsService } from './bookings.service.ts';

export const makeBookingsHandlers = (service: BookingsService) => {
  const create: Handler<ReturnType<typeof endpoints.createBooking>> = ({
    currentUser,
    body,
    idempotency,
    isGone,
  }) =>
    service.book(
      currentUser,
      { screeningId: body.screening_id, numTickets: body.num_tickets, userId: body.user_id },
      { idempotency, isGone },
    );

  const list: Handler<typeof endpoints.listBookings> = async ({ currentUser, query }) => {
    const page = await service.list(currentUser, {
      userId: query.user_id,
      screeningId: query.screening_id,
      status: query.status,
      before: query.cursor?.[0],
      limit: query.limit,
    });
    return {
      status: 200,
      body: { bookings: page.rows.map(presentBooking), next_cursor: page.nextCursor },
    };
  };

  const get: Handler<typeof endpoints.getBooking> = async ({ currentUser, params }) => ({
    status: 200,
    body: { booking: presentBooking(await service.get(currentUser, params.id)) },
  });

  const cancel: Handler<typeof endpoints.cancelBooking> = ({ currentUser, params, idempotency }) =>
    service.cancel(currentUser, params.id, idempotency);

  return { createBooking: create, listBookings: list, getBooking: get, cancelBooking: cancel };
};
