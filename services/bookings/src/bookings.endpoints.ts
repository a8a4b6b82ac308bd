import * as bookings from './bookings/bookings.endpoints.ts';
import * as payments from './payments/payments.endpoints.ts';

/** The endpoints of this service, by operationId. */
export const bookingsEndpoints = (settings: { maxTickets: number }) => ({
  createBooking: bookings.createBooking(settings.maxTickets),
  listBookings: bookings.listBookings,
  getBooking: bookings.getBooking,
  cancelBooking: bookings.cancelBooking,
  createPayment: payments.createPayment,
  getPayment: payments.getPayment,
});
