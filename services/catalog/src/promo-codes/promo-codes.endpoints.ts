import type { AdminResource } from '../admin-resource.endpoints.ts';
import {
  newPromoCode,
  presentPromoCode,
  promoCode,
  promoCodeChange,
  type NewPromoCode,
  type PromoCode,
  type PromoCodeChange,
} from './promo-codes.schema.ts';

export const promoCodes = (
  currency: string | undefined,
): AdminResource<PromoCode, NewPromoCode, PromoCodeChange> => ({
  singular: 'promo_code',
  plural: 'promo_codes',
  tag: 'Prices',
  description:
    'A code that takes a percentage or an amount off a booking. A limited one is counted down with the booking that uses it, and given back when the booking expires or is cancelled.',
  schema: promoCode,
  newSchema: newPromoCode(currency),
  changeSchema: promoCodeChange(currency),
  uniqueField: 'code',
  inUse: 'Bookings were made with the promo code. Set valid_until instead.',
  problems: ['not_found'],
  present: presentPromoCode,
});
