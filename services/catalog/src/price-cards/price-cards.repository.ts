import type { Queryable } from '@movie-ticketing/kit/database';
import { Problem } from '@movie-ticketing/kit/problems';
import { isForeignKeyViolation } from '@movie-ticketing/kit/sqlstate';
import {
  insertRows,
  makeParameters,
  type ColumnValues,
  type RowColumns,
} from '@movie-ticketing/kit/statements';

import type { AppliesTo } from '../prices/business-day.ts';
import { onTable, type Table } from '../table.ts';
import type { NewPriceCard, PriceCard, PriceCardChange } from './price-cards.schema.ts';

type PriceCardRow = {
  id: number;
  name: string;
  currency: string;
  booking_fee_minor: number;
  tax_rate_bp: number;
  applies_to: AppliesTo | null;
  lines: { ticket_type_id: number; category: string | null; amount_minor: number }[];
};

const table: Table<PriceCardRow, PriceCard> = {
  name: 'price_cards',
  columns: `id, name, currency, booking_fee_minor, tax_rate_bp, applies_to,
    coalesce((SELECT json_agg(json_build_object('ticket_type_id', l.ticket_type_id, 'category', l.category,
      'amount_minor', l.amount_minor) ORDER BY l.line) FROM price_lines l WHERE l.price_card_id = price_cards.id), '[]')
      AS lines`,
  toResource: (row) => ({
    id: row.id,
    name: row.name,
    currency: row.currency,
    bookingFeeMinor: row.booking_fee_minor,
    taxRateBp: row.tax_rate_bp,
    lines: row.lines.map((line) => ({
      ticketTypeId: line.ticket_type_id,
      category: line.category,
      amountMinor: line.amount_minor,
    })),
    appliesTo: row.applies_to,
  }),
};

const toColumns = (
  fields: Omit<PriceCardChange, 'lines'> & { currency?: string },
): ColumnValues => ({
  name: fields.name,
  currency: fields.currency,
  booking_fee_minor: fields.booking_fee,
  tax_rate_bp: fields.tax_rate_bp,
  applies_to: fields.applies_to === null ? null : jsonOf(fields.applies_to),
});

const jsonOf = (value: object | undefined): string | undefined =>
  value === undefined ? undefined : JSON.stringify(value);

type Line = NewPriceCard['lines'][number];

/** @throws Problem not_found for an unknown ticket type */
const setLines = async (db: Queryable, cardId: number, lines: readonly Line[]): Promise<void> => {
  await db.query('DELETE FROM price_lines WHERE price_card_id = $1', [cardId]);
  const columns: RowColumns<readonly [number, Line]> = {
    price_card_id: ['bigint', () => cardId],
    line: ['int', ([index]) => index],
    ticket_type_id: ['bigint', ([, line]) => line.ticket_type_id],
    category: ['text', ([, line]) => line.category],
    amount_minor: ['bigint', ([, line]) => line.amount],
  };
  const parameters = makeParameters();
  const text = insertRows(parameters, 'price_lines', [...lines.entries()], columns);
  try {
    await db.query(text, parameters.values);
  } catch (error) {
    if (!isForeignKeyViolation(error)) throw error;
    throw new Problem('not_found', { detail: 'Ticket type not found.', cause: error });
  }
};

export const makePriceCardsRepository = (db: Queryable) => {
  const cards = onTable(table, db);
  const written = async (id: number): Promise<PriceCard> => {
    const card = await cards.find(id);
    if (card === undefined) throw new Error(`price card ${String(id)} does not exist`);
    return card;
  };
  return {
    ...cards,
    insert: async ({ lines, ...fields }: NewPriceCard): Promise<PriceCard> => {
      const { id } = await cards.insert(toColumns(fields));
      await setLines(db, id, lines);
      return written(id);
    },
    update: async (
      { id }: PriceCard,
      { lines, ...fields }: PriceCardChange,
    ): Promise<PriceCard> => {
      if (Object.keys(fields).length > 0) await cards.update(id, toColumns(fields));
      if (lines !== undefined) await setLines(db, id, lines);
      return written(id);
    },
    /** Cards that choose their screenings, in the order in which they are asked. */
    listChoosing: async (): Promise<PriceCard[]> =>
      (
        await db.query<PriceCardRow>(
          `SELECT ${table.columns} FROM price_cards WHERE applies_to IS NOT NULL ORDER BY id`,
        )
      ).map(table.toResource),
  };
};
