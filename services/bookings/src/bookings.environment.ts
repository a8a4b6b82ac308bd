import {
  environmentFields,
  jwksEnvironment,
  serverEnvironment,
  tokenEnvironment,
} from '@movie-ticketing/kit/config';
import { databaseEnvironment } from '@movie-ticketing/kit/database-environment';
import { tracingEnvironment } from '@movie-ticketing/kit/tracing';
import { z } from 'zod';

const { integer } = environmentFields;

/** Settings of the bookings service, in any process. */
export const bookingsSettings = z.object({
  HOLD_MINUTES: z
    .string()
    .regex(/^\d+(\.\d+)?$/, 'must be a number of minutes above 0, at most 1440')
    .transform(Number)
    .refine(
      (value) => value > 0 && value <= 1440,
      'must be a number of minutes above 0, at most 1440',
    )
    .default(15),
  MAX_TICKETS_PER_BOOKING: integer(1, 1_000, 10),
  /** Tickets of pending and confirmed bookings that a customer may have, per screening. */
  MAX_TICKETS_PER_SCREENING: integer(1, 100_000, 20),
  /** Bookings of a customer that may expire unpaid within an hour before further ones are refused. */
  MAX_EXPIRED_HOLDS_PER_HOUR: integer(1, 100_000, 10),
  /** Booking requests that may wait for a batch; further ones are refused with 503. */
  BOOKING_QUEUE_LIMIT: integer(1, 100_000, 5_000),
  /** How long a payment request waits for the provider before its response is 202. */
  PAYMENT_TIMEOUT_SECONDS: integer(1, 60, 2),
  /** A payment whose outcome is still unknown after this time is abandoned at the provider. */
  PAYMENT_ABANDON_SECONDS: integer(1, 86_400, 30),
});

/** The environment of a bookings process. */
export const bookingsEnvironment = z.object({
  ...serverEnvironment.shape,
  ...tokenEnvironment.shape,
  ...jwksEnvironment.shape,
  ...databaseEnvironment.shape,
  ...tracingEnvironment.shape,
  ...bookingsSettings.shape,
});
