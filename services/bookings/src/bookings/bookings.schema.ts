import { id, idInText, instantOut, money, text } from '@movie-ticketing/kit/fields';
import { listOf, pageById } from '@movie-ticketing/kit/pagination';
import { z } from 'zod';

import { presentTicket, ticket, ticketsOf, type Ticket } from '../tickets/tickets.schema.ts';

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
    tickets: z.array(ticket),
    subtotal: money.describe('The prices of the tickets'),
    discount: money.describe('What the promo code took off'),
    fees: money.describe('The booking fees. subtotal - discount + fees = total.'),
    tax: money.describe('Included in total'),
  })
  .meta({ id: 'Booking' });

export const bookingEnvelope = z.strictObject({ booking });
export const bookingList = listOf('bookings', booking);

const wantedTicket = z
  .strictObject({
    ticket_type_id: id().exactOptional(),
    seat: text(1, 50).exactOptional().describe('The id of a seat of the seat plan'),
  })
  .meta({ id: 'WantedTicket' });

const bestAvailable = z
  .strictObject({
    category: text(1, 100).exactOptional().describe('Default: one category, whichever'),
    accessible: z
      .boolean()
      .exactOptional()
      .describe('With a wheelchair space, and its companion seats'),
    together: z
      .enum(['required', 'preferred'])
      .exactOptional()
      .describe('Whether the seats must be side by side. Default: preferred.'),
    across_categories: z
      .boolean()
      .exactOptional()
      .describe('Whether several categories may be mixed where one does not suffice'),
  })
  .meta({ id: 'BestAvailable' });

type Wanted = {
  num_tickets?: number;
  tickets?: { seat?: string }[];
  best_available?: object;
};

/** Either a number of tickets or a list; best_available chooses seats where none are named. */
const checkTickets: z.core.CheckFn<Wanted> = ({ value, issues }) => {
  const add = (path: string[], message: string): void => {
    issues.push({ code: 'custom', path, message, input: value });
  };
  const { num_tickets: count, tickets } = value;
  if (issues.length > 0) return;
  if (count === undefined && tickets === undefined) add(['num_tickets'], 'is required');
  if (count !== undefined && tickets !== undefined) {
    add(['tickets'], 'cannot be set together with num_tickets');
  }
  if (value.best_available !== undefined && tickets?.some(({ seat }) => seat !== undefined)) {
    add(['best_available'], 'cannot be set together with seats');
  }
};

export const newBooking = (maxTickets: number) =>
  z
    .strictObject({
      screening_id: id(),
      num_tickets: z
        .int()
        .min(1)
        .max(maxTickets)
        .describe(
          'Tickets of the default type, on the best available seats where they are numbered',
        )
        .exactOptional(),
      tickets: z
        .array(wantedTicket)
        .min(1)
        .max(maxTickets)
        .describe('Instead of num_tickets. All have a seat, or none of them.')
        .exactOptional(),
      best_available: bestAvailable.exactOptional(),
      promo_code: z
        .string()
        .trim()
        .toUpperCase()
        .min(1)
        .max(50)
        .meta({ override: { type: 'string', minLength: 1, maxLength: 50 } })
        .exactOptional(),
      user_id: id()
        .describe(
          'The user who will own the booking. Default: the current user. Only staff may name another.',
        )
        .exactOptional(),
    })
    .check(checkTickets)
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
  promoCodeId: number | null;
  /** Empty for general admission at the flat price: see `ticketsOf`. */
  tickets: readonly Ticket[];
};

type Amounts = Pick<z.input<typeof booking>, 'tickets' | 'subtotal' | 'discount' | 'fees' | 'tax'>;

const presentAmounts = (it: Booking, tickets: readonly Ticket[]): Amounts => {
  const sums = { subtotal: 0, discount: 0, fees: 0, tax: 0 };
  for (const one of tickets) {
    sums.subtotal += one.priceMinor;
    sums.discount += one.discountMinor;
    sums.fees += one.feeMinor;
    sums.tax += one.taxMinor;
  }
  const { currency } = it;
  return {
    tickets: tickets.map((one) => presentTicket(one, it)),
    subtotal: { amount: sums.subtotal, currency },
    discount: { amount: sums.discount, currency },
    fees: { amount: sums.fees, currency },
    tax: { amount: sums.tax, currency },
  };
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
  ...presentAmounts(it, ticketsOf(it)),
});
