import { id, idInText, instantOut, money } from '@movie-ticketing/kit/fields';
import { listOf, pageById } from '@movie-ticketing/kit/pagination';
import { z } from 'zod';

export const bookingStatuses = [
  'pending',
  'confirmed',
  'cancelled',
  'expired',
  'refunded',
] as const;
export type BookingStatus = (typeof bookingStatuses)[number];

export const booking = z
  .strictObject({
    id: id(),
    reference: z.string().describe('The code to show at the entrance'),
    user_id: id(),
    screening_id: id(),
    num_tickets: z.int().min(1),
    status: z.enum(bookingStatuses),
    total: money,
    created_at: instantOut(),
    expires_at: instantOut().describe('When a pending booking releases its seats'),
  })
  .meta({ id: 'Booking' });

export const bookingEnvelope = z.strictObject({ booking });
export const bookingList = listOf('bookings', booking);

export const newBooking = (maxTickets: number) =>
  z
    .strictObject({
      screening_id: id(),
      num_tickets: z.int().min(1).max(maxTickets),
      user_id: id()
        .describe(
          'The user who will own the booking. Default: the current user. Only staff may name another.',
        )
        .exactOptional(),
    })
    .meta({ id: 'NewBooking' });

export const cancellation = z
  .strictObject({
    after_start: z
      .boolean()
      .describe('Cancel although the screening has started. Only an admin may set it.')
      .exactOptional(),
  })
  .default({});

export const bookingFilter = z.strictObject({
  ...pageById('bookings'),
  user_id: idInText().exactOptional(),
  screening_id: idInText().exactOptional(),
  status: z.enum(bookingStatuses).exactOptional(),
  reference: z
    .string()
    .regex(/^[0-9a-z]{8,32}$/i, 'must be a booking reference like 0F8NJ8NAFCK2')
    .transform((value) => value.toUpperCase())
    .exactOptional(),
});

/** Amounts are in minor units. */
export type Booking = {
  id: number;
  reference: string;
  userId: number;
  screeningId: number;
  numTickets: number;
  status: BookingStatus;
  totalMinor: number;
  currency: string;
  createdAt: Date;
  expiresAt: Date;
};

export const presentBooking = (it: Booking): z.input<typeof booking> => ({
  id: it.id,
  reference: it.reference,
  user_id: it.userId,
  screening_id: it.screeningId,
  num_tickets: it.numTickets,
  status: it.status,
  total: { amount: it.totalMinor, currency: it.currency },
  created_at: it.createdAt.toISOString(),
  expires_at: it.expiresAt.toISOString(),
});
