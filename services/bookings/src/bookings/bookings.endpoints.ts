import { defineEndpoint } from '@movie-ticketing/kit/endpoint';
import { idParams } from '@movie-ticketing/kit/fields';

import { bookingEnvelope, bookingFilter, bookingList, newBooking } from './bookings.schema.ts';

export const createBooking = (maxTickets: number) =>
  defineEndpoint({
    method: 'post',
    path: '/bookings',
    operationId: 'createBooking',
    summary: 'Hold seats',
    description:
      'Takes the seats at once and holds them until `expires_at`; pay before then. Staff may name another person in `user_id`. A smaller booking may win where a larger one was refused.',
    tag: 'Bookings',
    access: 'signed-in',
    body: newBooking(maxTickets),
    answers: { 201: bookingEnvelope },
    problems: [
      'not_found',
      'forbidden',
      'not_enough_seats',
      'screening_started',
      'screening_cancelled',
    ],
    idempotent: true,
    // The batch asks about all its people at once, inside its transaction.
    checksUserItself: true,
  });

export const listBookings = defineEndpoint({
  method: 'get',
  path: '/bookings',
  operationId: 'listBookings',
  summary: 'Bookings, newest first',
  description:
    'A customer sees their own. Staff and admins see everybody’s and may filter by `user_id`. Sorted by id, descending.',
  tag: 'Bookings',
  access: 'signed-in',
  query: bookingFilter,
  answers: { 200: bookingList },
  problems: ['forbidden'],
});

export const getBooking = defineEndpoint({
  method: 'get',
  path: '/bookings/:id',
  operationId: 'getBooking',
  summary: 'One booking',
  description: 'Somebody else’s booking is 404 to a customer, so that ids tell nothing.',
  tag: 'Bookings',
  access: 'signed-in',
  params: idParams,
  answers: { 200: bookingEnvelope },
  problems: ['not_found'],
});

export const cancelBooking = defineEndpoint({
  method: 'post',
  path: '/bookings/:id/cancel',
  operationId: 'cancelBooking',
  summary: 'Cancel a booking',
  description:
    'Gives the seats back at once. A paid booking becomes `cancelled` with its payment `refund_pending`, and both become `refunded` once the provider confirms.',
  tag: 'Bookings',
  access: 'signed-in',
  params: idParams,
  answers: { 200: bookingEnvelope },
  problems: [
    'not_found',
    'booking_cancelled',
    'booking_expired',
    'screening_started',
    'payment_processing',
  ],
  idempotent: true,
});
