import type { AdminResource } from '../admin-resource.endpoints.ts';
import {
  newTicketType,
  presentTicketType,
  ticketType,
  ticketTypeChange,
  type NewTicketType,
  type TicketType,
  type TicketTypeChange,
} from './ticket-types.schema.ts';

export const ticketTypes: AdminResource<TicketType, NewTicketType, TicketTypeChange> = {
  singular: 'ticket_type',
  plural: 'ticket_types',
  tag: 'Prices',
  description:
    'A kind of ticket with a price of its own, for instance Adult or Child. Names are unique. To stop selling a type, set `active` to false: tickets that were sold keep it.',
  schema: ticketType,
  newSchema: newTicketType,
  changeSchema: ticketTypeChange,
  uniqueField: 'name',
  inUse: 'A price card has prices of the ticket type. Set active to false instead.',
  present: presentTicketType,
};
