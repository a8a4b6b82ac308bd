import { refused, refusedField, type Refusal } from '../batch/booking-request.ts';
import type { PriceRules } from './price-tickets.ts';

/** A price card as its screening is locked. Amounts are in minor units. */
export type PriceCard = PriceRules & { currency: string; lines: readonly PriceLine[] };

export type PriceLine = {
  ticketTypeId: number;
  /** Null: every category without a line of its own. */
  category: string | null;
  amountMinor: number;
  staffOnly: boolean;
  active: boolean;
};

export type TicketType = { staffOnly: boolean; active: boolean };

/** A ticket to price: its type, undefined for the default type, and the category of its seat. */
export type UnpricedTicket = { ticketTypeId: number | undefined; category: string | null };

export type PricedTicket = { ticketTypeId: number | null; priceMinor: number };

const typeField = (index: number): string => `tickets.${String(index)}.ticket_type_id`;

/** Whether a user may book a type. */
const findTypeRefusal = (
  type: TicketType | undefined,
  index: number,
  byStaff: boolean,
): Refusal | undefined => {
  if (type?.active !== true) {
    return refusedField(typeField(index), 'is not an active ticket type of the screening');
  }
  return type.staffOnly && !byStaff
    ? refused('forbidden', 'Only staff may book this ticket type.')
    : undefined;
};

/** All prices, or the first refusal. */
const collect = (found: readonly (PricedTicket | Refusal)[]): PricedTicket[] | Refusal => {
  const priced: PricedTicket[] = [];
  for (const it of found) {
    if ('kind' in it) return it;
    priced.push(it);
  }
  return priced;
};

/** The prices of tickets by a card. A line for a category takes precedence over one for all. */
export const pricesByCard = (
  { lines }: PriceCard,
  tickets: readonly UnpricedTicket[],
  byStaff: boolean,
): PricedTicket[] | Refusal => {
  const usual = lines.find(({ active, staffOnly }) => active && !staffOnly)?.ticketTypeId;
  return collect(
    tickets.map(({ ticketTypeId = usual, category }, index) => {
      const ofType = lines.filter((line) => line.ticketTypeId === ticketTypeId);
      const refusal = findTypeRefusal(ofType[0], index, byStaff);
      if (refusal !== undefined) return refusal;
      const line =
        ofType.find((it) => it.category !== null && it.category === category) ??
        ofType.find((it) => it.category === null);
      return line === undefined
        ? refusedField(typeField(index), `has no price in the category ${String(category)}`)
        : { ticketTypeId: line.ticketTypeId, priceMinor: line.amountMinor };
    }),
  );
};

/** The flat price for everyone, whatever the type. */
export const flatPrices = (
  priceMinor: number,
  tickets: readonly UnpricedTicket[],
  types: ReadonlyMap<number, TicketType>,
  byStaff: boolean,
): PricedTicket[] | Refusal =>
  collect(
    tickets.map(({ ticketTypeId }, index) => {
      const refusal =
        ticketTypeId === undefined
          ? undefined
          : findTypeRefusal(types.get(ticketTypeId), index, byStaff);
      return refusal ?? { ticketTypeId: ticketTypeId ?? null, priceMinor };
    }),
  );
