import { insertRows, type Parameters, type RowColumns } from '@movie-ticketing/kit/statements';

import type { Ticket } from './tickets.schema.ts';

/** A ticket's row as JSON. */
export type TicketJson = {
  id: number;
  seat: number | null;
  seat_id: string | null;
  ticket_type_id: number | null;
  price: number;
  discount: number;
  fee: number;
  tax: number;
};

/** The tickets of each row of `bookings` that have rows, as a column of a statement. */
export const ticketsColumn = `
  (SELECT json_agg(json_build_object('id', t.id, 'seat', t.seat, 'seat_id', t.seat_id,
     'ticket_type_id', t.ticket_type_id, 'price', t.price_minor, 'discount', t.discount_minor,
     'fee', t.fee_minor, 'tax', t.tax_minor) ORDER BY t.id)
   FROM tickets t WHERE t.id >= bookings.id * 1000 AND t.id < (bookings.id + 1) * 1000) AS tickets`;

export const toTicket = (json: TicketJson): Ticket => ({
  id: json.id,
  seat: json.seat,
  seatId: json.seat_id,
  ticketTypeId: json.ticket_type_id,
  priceMinor: json.price,
  discountMinor: json.discount,
  feeMinor: json.fee,
  taxMinor: json.tax,
});

/** A ticket with the screening that it is for. */
export type NewTicket = Ticket & { screeningId: number };

const insertColumns: RowColumns<NewTicket> = {
  id: ['bigint', (it) => it.id],
  screening_id: ['bigint', (it) => it.screeningId],
  seat: ['int', (it) => it.seat],
  seat_id: ['text', (it) => it.seatId],
  ticket_type_id: ['bigint', (it) => it.ticketTypeId],
  price_minor: ['bigint', (it) => it.priceMinor],
  discount_minor: ['bigint', (it) => it.discountMinor],
  fee_minor: ['bigint', (it) => it.feeMinor],
  tax_minor: ['bigint', (it) => it.taxMinor],
};

/** The write of new tickets, for `combineWrites`. */
export const insertTickets = (parameters: Parameters, tickets: readonly NewTicket[]): string =>
  insertRows(parameters, 'tickets', tickets, insertColumns);
