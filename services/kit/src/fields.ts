import { z } from 'zod';

/** Fields that several services take or give. Each is the validation, the type and the documentation. */

const noNul = (value: string): boolean => !value.includes('\u0000') && value.isWellFormed();

/** Free text. Postgres has no NUL, and half a surrogate pair is no text. */
export const text = (minimum: number, maximum: number) =>
  z
    .string()
    .min(minimum)
    .max(maximum)
    .refine(noNul, 'must be well-formed text without NUL characters');

/** An id in a body. */
export const id = () => z.int().min(1).max(Number.MAX_SAFE_INTEGER);

const idText = z
  .string()
  .regex(/^[1-9][0-9]{0,15}$/, 'must be a positive whole number')
  .transform(Number)
  .refine((value) => Number.isSafeInteger(value), 'must be below 2^53')
  .meta({ override: { type: 'integer', minimum: 1, maximum: Number.MAX_SAFE_INTEGER } });

/** An id in a path or a query. */
export const idInText = () => idText;

/** `/things/:id` */
export const idParams = z.strictObject({ id: idText });

/** An instant with its offset, for instance `2027-01-31T19:30:00Z`. */
export const instant = () =>
  z.iso
    .datetime({ offset: true, message: 'must be an RFC 3339 time like 2027-01-31T19:30:00Z' })
    .transform((value) => new Date(value))
    .refine(
      (value) => value.getUTCFullYear() >= 1970 && value.getUTCFullYear() <= 9998,
      'must lie between 1970 and 9998',
    )
    .meta({ override: { type: 'string', format: 'date-time' } });

/** An instant in an answer, in UTC. */
export const instantOut = () => z.iso.datetime().meta({ examples: ['2027-01-31T19:30:00.000Z'] });

/** A calendar day, for instance `2027-01-31`. */
export const day = () =>
  z.iso
    .date('must be a date like 2027-01-31')
    // Postgres has no year 0.
    .refine((value) => value >= '0001', 'must lie between 0001 and 9999')
    .meta({ examples: ['2027-01-31'] });

const currencyCode = z
  .string()
  .regex(/^[A-Z]{3}$/, 'must be an ISO 4217 code like USD')
  .meta({ examples: ['USD'] });

export const money = z
  .strictObject({
    amount: z
      .int()
      .min(0)
      .max(100_000_000_000)
      .meta({ description: 'In minor units: 1500 is 15.00 USD', examples: [1500] }),
    currency: currencyCode,
  })
  .meta({ id: 'Money', description: 'An amount in minor units of a currency' });

export type Money = z.output<typeof money>;

/** A price someone sets: in the deployment's currency, which a document for any deployment leaves open. */
export const price = (currency: string | undefined) =>
  z.strictObject({
    amount: z
      .int()
      .min(0)
      .max(100_000_000)
      .meta({ description: 'In minor units: 1500 is 15.00 USD', examples: [1500] }),
    currency: currency === undefined ? currencyCode : z.literal(currency, `must be ${currency}`),
  });

/** `limit` of a list. */
export const limit = () =>
  z
    .string()
    .regex(/^\d{1,3}$/, 'must be a whole number from 1 to 200')
    .transform(Number)
    .refine((value) => value >= 1 && value <= 200, 'must be a whole number from 1 to 200')
    .default(50)
    .meta({ override: { type: 'integer', minimum: 1, maximum: 200, default: 50 } });
