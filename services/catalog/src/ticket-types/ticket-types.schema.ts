import { id, text } from '@movie-ticketing/kit/fields';
import { z } from 'zod';

import { changedResource, newResource } from '../request-bodies.ts';

/** A kind of ticket with a price of its own, for instance Adult or Child. */
export type TicketType = {
  id: number;
  name: string;
  /** Whether only staff may book it. */
  staffOnly: boolean;
  /** Whether it can be booked. */
  active: boolean;
};

const name = () => text(1, 100).meta({ examples: ['Adult'] });
const staffOnly = () => z.boolean().describe('Only staff may book it');
const active = () => z.boolean().describe('Whether it can be booked');

export const newTicketType = newResource({
  name: name(),
  staff_only: staffOnly().default(false),
  active: active().default(true),
});
export const ticketTypeChange = changedResource({
  name: name(),
  staff_only: staffOnly(),
  active: active(),
});

export type NewTicketType = z.output<typeof newTicketType>;

export type TicketTypeChange = z.output<typeof ticketTypeChange>;

export const ticketType = z
  .strictObject({ id: id(), name: name(), staff_only: staffOnly(), active: active() })
  .meta({ id: 'TicketType' });

export const presentTicketType = (from: TicketType): z.output<typeof ticketType> => ({
  id: from.id,
  name: from.name,
  staff_only: from.staffOnly,
  active: from.active,
});
