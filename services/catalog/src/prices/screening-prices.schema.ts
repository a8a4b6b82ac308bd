import { id, money } from '@movie-ticketing/kit/fields';
import { z } from 'zod';

/** What one ticket of a type costs in a category of seats. Amounts are in minor units. */
export type ScreeningPrice = {
  /** Null: everyone pays the same. */
  ticketType: { id: number; name: string; staffOnly: boolean } | null;
  /** Null: general admission, or every category. */
  category: string | null;
  priceMinor: number;
  feeMinor: number;
  taxMinor: number;
};

export type ScreeningPrices = {
  screeningId: number;
  currency: string;
  taxRateBp: number;
  prices: ScreeningPrice[];
};

const price = z
  .strictObject({
    ticket_type_id: id().nullable().describe('Null: everyone pays the same'),
    ticket_type: z.string().nullable(),
    staff_only: z.boolean().describe('Only staff may book it'),
    category: z.string().nullable().describe('Null: every seat'),
    price: money,
    fee: money.describe('The booking fee of one ticket, in addition to the price'),
    tax: money.describe('Included in price and fee'),
    total: money,
  })
  .meta({ id: 'ScreeningPrice' });

export const screeningPrices = z
  .strictObject({
    screening_id: id(),
    tax_rate_bp: z.int().min(0).describe('In basis points: 1900 is 19 %'),
    prices: z.array(price).describe('The first one that is not staff_only is of the default type'),
  })
  .meta({ id: 'ScreeningPrices' });

export const presentScreeningPrices = ({
  screeningId,
  currency,
  taxRateBp,
  prices,
}: ScreeningPrices): z.output<typeof screeningPrices> => {
  const moneyOf = (amount: number) => ({ amount, currency });
  return {
    screening_id: screeningId,
    tax_rate_bp: taxRateBp,
    prices: prices.map((it) => ({
      ticket_type_id: it.ticketType?.id ?? null,
      ticket_type: it.ticketType?.name ?? null,
      staff_only: it.ticketType?.staffOnly ?? false,
      category: it.category,
      price: moneyOf(it.priceMinor),
      fee: moneyOf(it.feeMinor),
      tax: moneyOf(it.taxMinor),
      total: moneyOf(it.priceMinor + it.feeMinor),
    })),
  };
};
