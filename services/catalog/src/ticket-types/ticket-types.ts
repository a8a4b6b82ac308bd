import type { Queryable } from '@movie-ticketing/kit/database';
import { id, text } from '@movie-ticketing/kit/fields';
import { z } from 'zod';

import type { AdminResource } from '../admin-resource.ts';
import { changedResource, newResource } from '../request-bodies.ts';
import { onTable, type Table } from '../table.ts';

/** A kind of ticket with a price of its own, for instance Adult or Child. */
export type TicketType = {
  id: number;
  name: string;
  /** Whether only staff may book it. */
  staffOnly: boolean;
  /** Whether it can be booked. */
  active: boolean;
};

type TicketTypeRow = { id: number; name: string; staff_only: boolean; active: boolean };

const table: Table<TicketTypeRow, TicketType> = {
  name: 'ticket_types',
  columns: 'id, name, staff_only, active',
  toResource: ({ staff_only: staffOnly, ...row }) => ({ ...row, staffOnly }),
};

const name = () => text(1, 100).meta({ examples: ['Adult'] });
const staffOnly = () => z.boolean().describe('Only staff may book it');
const active = () => z.boolean().describe('Whether it can be booked');

const newTicketType = newResource({
  name: name(),
  staff_only: staffOnly().default(false),
  active: active().default(true),
});
const ticketTypeChange = changedResource({
  name: name(),
  staff_only: staffOnly(),
  active: active(),
});

type TicketTypeChange = z.output<typeof ticketTypeChange>;

export const makeTicketTypesRepository = (db: Queryable) => {
  const rows = onTable(table, db);
  return {
    ...rows,
    update: ({ id: of }: TicketType, change: TicketTypeChange) => rows.update(of, change),
    listAll: async (): Promise<TicketType[]> =>
      (await db.query<TicketTypeRow>(`SELECT ${table.columns} FROM ticket_types ORDER BY id`)).map(
        table.toResource,
      ),
  };
};

export const ticketTypes: AdminResource<
  TicketType,
  z.output<typeof newTicketType>,
  TicketTypeChange
> = {
  singular: 'ticket_type',
  plural: 'ticket_types',
  tag: 'Prices',
  description:
    'A kind of ticket with a price of its own, for instance Adult or Child. Names are unique. To stop selling a type, set `active` to false: tickets that were sold keep it.',
  schema: z
    .strictObject({ id: id(), name: name(), staff_only: staffOnly(), active: active() })
    .meta({ id: 'TicketType' }),
  newSchema: newTicketType,
  changeSchema: ticketTypeChange,
  uniqueField: 'name',
  inUse: 'A price card has prices of the ticket type. Set active to false instead.',
  present: (from) => ({
    id: from.id,
    name: from.name,
    staff_only: from.staffOnly,
    active: from.active,
  }),
  repository: (db) => makeTicketTypesRepository(db),
};
