import { route, type Route } from '@movie-ticketing/kit/endpoint';

import type { bookingsEndpoints } from './bookings.endpoints.ts';
import type { makeBookingsHandlers } from './bookings/bookings.handlers.ts';
import type { makePaymentsHandlers } from './payments/payments.handlers.ts';

export const bookingsRoutes = (
  endpoints: ReturnType<typeof bookingsEndpoints>,
  bookings: ReturnType<typeof makeBookingsHandlers>,
  payments: ReturnType<typeof makePaymentsHandlers>,
): Route[] => [
  route(endpoints.createBooking, bookings.create),
  route(endpoints.listBookings, bookings.list),
  route(endpoints.getBooking, bookings.get),
  route(endpoints.cancelBooking, bookings.cancel),
  route(endpoints.createPayment, payments.create),
  route(endpoints.getPayment, payments.get),
];
