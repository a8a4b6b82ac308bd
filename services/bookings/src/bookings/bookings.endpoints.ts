import { defineEndpoint } from '@movie-ticketing/kit/endpoint';
import { idParams } from '@movie-ticketing/kit/fields';

import {
  bookingEnvelope,
  bookingFilter,
  bookingList,
  cancellation,
  newBooking,
} from './bookings.schema.ts';

export const createBooking = (maxTickets: number) =>
  defineEndpoint({
    method: 'post',
    path: '/bookings',
    operationId: 'createBooking',
    summary: 'Hold seats',
    description:
      'Takes the seats at once and holds them until `expires_at`. Pay before then. Seats that a customer may not have are named in `seats`: taken or blocked ones, those that are booked together, and single seats that the choice would leave free although that can be avoided. Every amount is fixed now. Staff may book for another user with `user_id`. A smaller booking may succeed where a larger one was refused. A customer may have a limited number of tickets per screening and of holds that expire unpaid; staff have no limits.',
    tag: 'Bookings',
    access: 'signed-in',
    body: newBooking(maxTickets),
    answers: { 201: bookingEnvelope },
    problems: [
      'not_found',
      'forbidden',
      'not_enough_seats',
      'seats_taken',
      'no_adjacent_seats',
      'orphan_seat',
      'seat_group_incomplete',
      'promo_code_invalid',
      'ticket_limit_reached',
      'hold_limit_reached',
      'screening_started',
      'screening_cancelled',
    ],
    idempotent: true,
    // The batch checks all its users at once, inside its transaction.
    checksUserItself: true,
  });

export const listBookings = defineEndpoint({
  method: 'get',
  path: '/bookings',
  operationId: 'listBookings',
  summary: 'List bookings, newest first',
  description:
    'Customers see their own bookings. Staff and admins see all bookings and may filter by `user_id`, which finds the bookings of one user. Sorted by id, descending.',
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
  summary: 'Get a booking',
  description:
    'A customer who requests the booking of another user gets 404, so that ids reveal nothing.',
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
    'Releases the seats at once. A paid booking becomes `cancelled` with its payment `refund_pending`, and both become `refunded` once the provider confirms the refund. Refused once the screening has started, unless an admin sends `after_start`.',
  tag: 'Bookings',
  access: 'signed-in',
  params: idParams,
  body: cancellation,
  answers: { 200: bookingEnvelope },
  problems: [
    'not_found',
    'forbidden',
    'booking_cancelled',
    'booking_expired',
    'screening_started',
    'payment_processing',
  ],
  idempotent: true,
});
