import { id, money } from '@movie-ticketing/kit/fields';
import { z } from 'zod';

import type { Booking, BookingStatus } from '../bookings/bookings.schema.ts';
import type { TicketAmounts } from '../prices/price-tickets.ts';

/** A ticket of a booking. Its amounts were fixed when the booking was made. */
export type Ticket = TicketAmounts & {
  id: number;
  /** The position in the seat plan, and the id of the seat; null for general admission. */
  seat: number | null;
  seatId: string | null;
  /** Null: the default of a screening without a price card. */
  ticketTypeId: number | null;
};

/** The tickets of a booking are numbered from 0. */
export const ticketId = (bookingId: number, number: number): number => bookingId * 1_000 + number;

/** Tickets of general admission at the flat price have no rows: they are alike, and follow from the booking. */
export const ticketsOf = ({ id: bookingId, numTickets, totalMinor, tickets }: Booking): Ticket[] =>
  tickets.length > 0
    ? [...tickets]
    : Array.from({ length: numTickets }, (_, number) => ({
        id: ticketId(bookingId, number),
        seat: null,
        seatId: null,
        ticketTypeId: null,
        priceMinor: totalMinor / numTickets,
        discountMinor: 0,
        feeMinor: 0,
        taxMinor: 0,
      }));

export const ticket = z
  .strictObject({
    id: id(),
    seat: z.string().nullable().describe('The id of the seat; null for general admission'),
    ticket_type_id: id().nullable(),
    price: money,
    discount: money,
    fee: money.describe('The booking fee'),
    tax: money.describe('Included in price - discount + fee'),
    status: z
      .enum(['held', 'valid', 'void'])
      .describe('held: not paid yet. void: the booking expired or was cancelled.'),
  })
  .meta({ id: 'Ticket' });

const statusOf = (booking: BookingStatus): z.output<typeof ticket>['status'] => {
  if (booking === 'pending') return 'held';
  return booking === 'confirmed' ? 'valid' : 'void';
};

export const presentTicket = (
  it: Ticket,
  { status, currency }: Pick<Booking, 'status' | 'currency'>,
): z.output<typeof ticket> => ({
  id: it.id,
  seat: it.seatId,
  ticket_type_id: it.ticketTypeId,
  price: { amount: it.priceMinor, currency },
  discount: { amount: it.discountMinor, currency },
  fee: { amount: it.feeMinor, currency },
  tax: { amount: it.taxMinor, currency },
  status: statusOf(status),
});
