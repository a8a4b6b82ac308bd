import type { Queryable } from '@movie-ticketing/kit/database';

import { onTable, type Table } from '../table.ts';
import type { TicketType, TicketTypeChange } from './ticket-types.schema.ts';

type TicketTypeRow = { id: number; name: string; staff_only: boolean; active: boolean };

const table: Table<TicketTypeRow, TicketType> = {
  name: 'ticket_types',
  columns: 'id, name, staff_only, active',
  toResource: ({ staff_only: staffOnly, ...row }) => ({ ...row, staffOnly }),
};

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
