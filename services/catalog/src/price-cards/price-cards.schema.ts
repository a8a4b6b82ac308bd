import { id, priceAmount, text } from '@movie-ticketing/kit/fields';
import { z } from 'zod';

import { changedResource, newResource } from '../request-bodies.ts';
import type { AppliesTo } from '../prices/business-day.ts';

/** Amounts are in minor units of `currency`. */
export type PriceLine = { ticketTypeId: number; category: string | null; amountMinor: number };

export type PriceCard = {
  id: number;
  name: string;
  currency: string;
  bookingFeeMinor: number;
  /** Included in prices and fees, in basis points. */
  taxRateBp: number;
  /** In their order: the first line of a type for everyone is the default type. */
  lines: PriceLine[];
  appliesTo: AppliesTo | null;
};

const time = () =>
  z
    .string()
    .regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'must be a time like 17:30')
    .meta({ examples: ['17:30'] });

const appliesTo = () =>
  z
    .strictObject({
      weekdays: z
        .array(z.int().min(1).max(7))
        .min(1)
        .max(7)
        .refine((days) => new Set(days).size === days.length, 'must not repeat a day')
        .describe('1 is Monday, 7 is Sunday. A business day ends at 06:00 of the next one.'),
      from: time().default('06:00').describe('The first start, by the clock of the theater'),
      until: time().default('06:00').describe('Starts before this time'),
    })
    .describe('New screenings that get this card unless they have a price or a card of their own')
    .nullable();

const line = z.strictObject({
  ticket_type_id: id(),
  category: text(1, 100)
    .nullable()
    .default(null)
    .describe('A category of seats; null: every category without a line of its own'),
  amount: priceAmount(),
});

const lines = () =>
  z
    .array(line)
    .min(1)
    .max(200)
    .superRefine((all, context) => {
      const seen = new Set<string>();
      all.forEach(({ ticket_type_id: type, category }, index) => {
        const key = `${String(type)} ${category ?? ''}`;
        if (seen.has(key)) {
          context.addIssue({
            code: 'custom',
            path: [index],
            message: 'repeats a ticket type and category',
          });
        }
        seen.add(key);
      });
    })
    .describe('The first line of an active type for everyone is the default type');

const fields = (currency: string | undefined) => ({
  name: text(1, 300),
  currency:
    currency === undefined
      ? z
          .string()
          .regex(/^[A-Z]{3}$/)
          .meta({ examples: ['USD'] })
      : z.literal(currency, `must be ${currency}`),
  booking_fee: priceAmount().describe('For each ticket, in minor units'),
  tax_rate_bp: z
    .int()
    .min(0)
    .max(10_000)
    .describe('Tax included in prices and fees, in basis points: 1900 is 19 %'),
  lines: lines(),
  applies_to: appliesTo(),
});

export const priceCard = z
  .strictObject({ id: id(), ...fields(undefined) })
  .meta({ id: 'PriceCard' });

export const newPriceCard = (currency: string | undefined) => {
  const { booking_fee: fee, tax_rate_bp: tax, ...required } = fields(currency);
  return newResource({ ...required, booking_fee: fee.default(0), tax_rate_bp: tax.default(0) });
};

export type NewPriceCard = z.output<ReturnType<typeof newPriceCard>>;

/** The currency of a card never changes: it is the one of the deployment. */
export const priceCardChange = () => {
  const { currency: _currency, ...changeable } = fields(undefined);
  return changedResource(changeable);
};

export type PriceCardChange = z.output<ReturnType<typeof priceCardChange>>;

export const presentPriceCard = (from: PriceCard): z.output<typeof priceCard> => ({
  id: from.id,
  name: from.name,
  currency: from.currency,
  booking_fee: from.bookingFeeMinor,
  tax_rate_bp: from.taxRateBp,
  lines: from.lines.map(({ ticketTypeId, category, amountMinor }) => ({
    ticket_type_id: ticketTypeId,
    category,
    amount: amountMinor,
  })),
  applies_to: from.appliesTo,
});
