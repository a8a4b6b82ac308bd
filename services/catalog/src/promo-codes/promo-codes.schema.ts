import { id, instant, instantOut, money, price, type Money } from '@movie-ticketing/kit/fields';
import { z } from 'zod';

import { changedResource, newResource } from '../request-bodies.ts';

export type PromoCode = {
  id: number;
  code: string;
  /** Either a percentage or an amount off. */
  percent: number | null;
  amount: Money | null;
  maxUses: number | null;
  /** By live bookings. */
  uses: number;
  validFrom: Date | null;
  validUntil: Date | null;
  screeningId: number | null;
  movieId: number | null;
};

/** Codes are compared without case: they are stored in upper case. */
const code = () =>
  z
    .string()
    .trim()
    .toUpperCase()
    .regex(/^[0-9A-Z_-]{1,50}$/, 'must have 1 to 50 letters, digits, - or _')
    .meta({
      override: {
        type: 'string',
        minLength: 1,
        maxLength: 50,
        pattern: '^[0-9A-Za-z_-]+$',
        examples: ['SUMMER'],
      },
    });

const fields = (currency: string | undefined) => ({
  code: code(),
  percent: z.int().min(1).max(100).nullable().describe('Off the prices, not the fees'),
  amount: price(currency)
    .refine(({ amount }) => amount >= 1, { path: ['amount'], message: 'must be at least 1' })
    .nullable()
    .describe('Off the prices of a booking, at most these'),
  max_uses: z.int().min(1).max(1_000_000_000).nullable().describe('Null: without a limit'),
  valid_from: instant().nullable(),
  valid_until: instant().nullable(),
  screening_id: id().nullable().describe('The only screening that it is for'),
  movie_id: id().nullable().describe('The only movie that it is for'),
});

export type NewPromoCode = z.output<ReturnType<typeof newPromoCode>>;
export type PromoCodeChange = z.output<ReturnType<typeof promoCodeChange>>;

export const newPromoCode = (currency: string | undefined) => newResource(fields(currency));
export const promoCodeChange = (currency: string | undefined) => changedResource(fields(currency));

export const promoCode = z
  .strictObject({
    id: id(),
    ...fields(undefined),
    code: z.string(),
    amount: money.nullable(),
    uses: z.int().min(0).describe('Uses by live bookings'),
    valid_from: instantOut().nullable(),
    valid_until: instantOut().nullable(),
  })
  .meta({ id: 'PromoCode' });

export const presentPromoCode = (from: PromoCode): z.output<typeof promoCode> => ({
  id: from.id,
  code: from.code,
  percent: from.percent,
  amount: from.amount,
  max_uses: from.maxUses,
  valid_from: from.validFrom?.toISOString() ?? null,
  valid_until: from.validUntil?.toISOString() ?? null,
  screening_id: from.screeningId,
  movie_id: from.movieId,
  uses: from.uses,
});
