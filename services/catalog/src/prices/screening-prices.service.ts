import type { Queryable } from '@movie-ticketing/kit/database';
import { includedTax } from '@movie-ticketing/kit/included-tax';

import { makePriceCardsRepository } from '../price-cards/price-cards.repository.ts';
import type { PriceCard } from '../price-cards/price-cards.schema.ts';
import { makeScreeningsRepository } from '../screenings/screenings.repository.ts';
import { screeningNotFound } from '../screenings/screenings.service.ts';
import { makeSeatPlansRepository } from '../seat-plans/seat-plans.repository.ts';
import type { TicketType } from '../ticket-types/ticket-types.schema.ts';
import { makeTicketTypesRepository } from '../ticket-types/ticket-types.repository.ts';
import type { ScreeningPrice, ScreeningPrices } from './screening-prices.schema.ts';

/**
 * The prices of a card: of each active type, in the order of the card, in each category of the plan. A line
 * for a category takes precedence over the type's line for every category.
 * @param categories null: general admission
 */
export const pricesOf = (
  { lines, bookingFeeMinor: feeMinor, taxRateBp }: PriceCard,
  types: readonly TicketType[],
  categories: readonly string[] | null,
): ScreeningPrice[] => {
  const active = new Map(types.filter((type) => type.active).map((type) => [type.id, type]));
  const typeIds = [...new Set(lines.map(({ ticketTypeId }) => ticketTypeId))];
  return typeIds.flatMap((typeId) => {
    const type = active.get(typeId);
    if (type === undefined) return [];
    const ofType = lines.filter(({ ticketTypeId }) => ticketTypeId === typeId);
    return (categories ?? [null]).flatMap((category) => {
      const line =
        ofType.find((it) => it.category !== null && it.category === category) ??
        ofType.find((it) => it.category === null);
      if (line === undefined) return [];
      const { amountMinor: priceMinor } = line;
      const taxMinor = includedTax(priceMinor + feeMinor, taxRateBp);
      const { id, name, staffOnly } = type;
      return [{ ticketType: { id, name, staffOnly }, category, priceMinor, feeMinor, taxMinor }];
    });
  });
};

const categoriesOf = async (db: Queryable, planId: number | null): Promise<string[] | null> => {
  if (planId === null) return null;
  const plan = await makeSeatPlansRepository(db).find(planId);
  return plan?.categories.map(({ name }) => name) ?? [];
};

const getPrices = async (db: Queryable, screeningId: number): Promise<ScreeningPrices> => {
  const screening = await makeScreeningsRepository(db).find(screeningId);
  if (screening === undefined) throw screeningNotFound();
  const { priceCardId, price } = screening;
  const card =
    priceCardId === null ? undefined : await makePriceCardsRepository(db).find(priceCardId);
  if (card === undefined) {
    const flat = { ticketType: null, category: null, feeMinor: 0, taxMinor: 0 };
    return {
      screeningId,
      currency: price.currency,
      taxRateBp: 0,
      prices: [{ ...flat, priceMinor: price.amount }],
    };
  }
  const types = await makeTicketTypesRepository(db).listAll();
  const categories = await categoriesOf(db, screening.seatPlanId);
  return {
    screeningId,
    currency: card.currency,
    taxRateBp: card.taxRateBp,
    prices: pricesOf(card, types, categories),
  };
};

export type ScreeningPricesService = ReturnType<typeof makeScreeningPricesService>;

export const makeScreeningPricesService = (db: Queryable) => ({
  get: (screeningId: number): Promise<ScreeningPrices> => getPrices(db, screeningId),
});
