import type { AdminResource } from '../admin-resource.endpoints.ts';
import {
  newPriceCard,
  presentPriceCard,
  priceCard,
  priceCardChange,
  type NewPriceCard,
  type PriceCard,
  type PriceCardChange,
} from './price-cards.schema.ts';

export const priceCards = (
  currency: string | undefined,
): AdminResource<PriceCard, NewPriceCard, PriceCardChange> => ({
  singular: 'price_card',
  plural: 'price_cards',
  tag: 'Prices',
  description:
    'What each kind of ticket costs, by category of seats. A screening has a price card of its own (`price_card_id`), or gets the first one whose `applies_to` has its start, by the business day and the clock of its theater.',
  schema: priceCard,
  newSchema: newPriceCard(currency),
  changeSchema: priceCardChange(),
  problems: ['not_found'],
  inUse: 'A screening has the price card.',
  present: presentPriceCard,
});
