import { z } from 'zod';

import { parseInstant } from './instants.ts';
import { canonicalTimeZone } from './time-zones.ts';

/** Fields that several services accept or return. Each is the validation, the type and the documentation. */

const isStorable = (value: string): boolean => !value.includes('\u0000') && value.isWellFormed();

/** JSON Schema and PostgreSQL count code points, JavaScript counts UTF-16 code units. */
const codePoints = (value: string): number => Array.from(value).length;

const invisible = /^[\p{Z}\p{C}\p{Default_Ignorable_Code_Point}\u2800]*$/u;
const lineBreakOrControl = /[\p{Cc}\p{Zl}\p{Zp}]/u;
/** The same for JSON Schema, without property escapes, which not every implementation has. */
const onOneLine = String.raw`^[^\u0000-\u001f\u007f-\u009f\u2028\u2029]*$`;
const controlExceptWhiteSpace = /[^\P{Cc}\t\n\r]/u;

const characters = (count: number): string => `${String(count)} character${count === 1 ? '' : 's'}`;

/** Text in NFC whose length counts in code points after normalization. */
const normalizedText = (minimum: number, maximum: number, text: z.ZodString) =>
  text
    .refine(isStorable, {
      error: 'must be well-formed Unicode without NUL characters',
      abort: true,
    })
    .refine((value) => codePoints(value) >= minimum, `must have at least ${characters(minimum)}`)
    .refine((value) => codePoints(value) <= maximum, `must have at most ${characters(maximum)}`)
    .meta({ minLength: minimum, maxLength: maximum });

/**
 * Text on one line, stored in Unicode NFC without surrounding white space. With a minimum it has at
 * least one visible character.
 */
export const text = (minimum: number, maximum: number) =>
  normalizedText(minimum, maximum, z.string().normalize('NFC').trim())
    .refine(
      (value) => !lineBreakOrControl.test(value),
      'must not contain line breaks or control characters',
    )
    .refine(
      (value) => minimum === 0 || value === '' || !invisible.test(value),
      'must contain a visible character',
    )
    .meta({ pattern: onOneLine });

/** Text of several lines, stored in Unicode NFC without surrounding white space. */
export const multilineText = (maximum: number) =>
  normalizedText(0, maximum, z.string().normalize('NFC').trim()).refine(
    (value) => !controlExceptWhiteSpace.test(value),
    'must not contain control characters other than tabs and line breaks',
  );

/** A password or token: Unicode NFC, with its white space kept. */
export const secretText = (minimum: number, maximum: number) =>
  normalizedText(minimum, maximum, z.string().normalize('NFC'));

/** An IANA time zone, stored in its canonical spelling. A UTC offset is not one: it has no summer time. */
export const timeZone = () =>
  z
    .string()
    .max(64)
    .overwrite((value) => canonicalTimeZone(value) ?? value)
    .refine(
      (value) => canonicalTimeZone(value) !== undefined,
      'must be an IANA time zone like Europe/London',
    )
    .meta({ minLength: 1, maxLength: 64, examples: ['Europe/London'] });

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

/** The path parameter of `/movies/:id`. */
export const idParams = z.strictObject({ id: idText });

/** An instant with its UTC offset, for instance `2027-01-31T19:30:00Z`. */
export const instant = () =>
  z
    .string()
    .transform((value, context): Date => {
      const parsed = parseInstant(value);
      if (parsed instanceof Date) return parsed;
      context.addIssue({ code: 'custom', message: parsed });
      return z.NEVER;
    })
    .refine(
      (value) => value.getUTCFullYear() >= 1970 && value.getUTCFullYear() <= 9998,
      'must lie between 1970 and 9998',
    )
    .meta({ override: { type: 'string', format: 'date-time' } });

/** An instant in a response, in UTC. */
export const instantOut = () => z.iso.datetime().meta({ examples: ['2027-01-31T19:30:00.000Z'] });

/** A calendar day, for instance `2027-01-31`. */
export const day = () =>
  z.iso
    .date('must be a date like 2027-01-31')
    // PostgreSQL has no year 0.
    .refine((value) => value >= '0001', 'must lie between 0001 and 9999')
    .meta({ examples: ['2027-01-31'] });

const currencyCode = z
  .string()
  .regex(/^[A-Z]{3}$/, 'must be an ISO 4217 code like USD')
  .meta({ examples: ['USD'] });

const minorUnits = (maximum: number) =>
  z
    .int()
    .min(0)
    .max(maximum)
    .meta({ description: 'In minor units: 1500 is 15.00 USD', examples: [1500] });

export const money = z
  .strictObject({ amount: minorUnits(100_000_000_000), currency: currencyCode })
  .meta({ id: 'Money', description: 'An amount in minor units of a currency' });

export type Money = z.output<typeof money>;

/** The amount of a price. */
export const priceAmount = () => minorUnits(100_000_000);

/** A price that an admin sets, in the currency of the deployment; `undefined` documents any currency. */
export const price = (currency: string | undefined) =>
  z.strictObject({
    amount: priceAmount(),
    currency: currency === undefined ? currencyCode : z.literal(currency, `must be ${currency}`),
  });

/** `limit` of a list. */
export const limit = () =>
  z
    .string()
    .regex(/^[1-9]\d{0,2}$/, 'must be a whole number from 1 to 200')
    .transform(Number)
    .refine((value) => value <= 200, 'must be a whole number from 1 to 200')
    .default(50)
    .meta({ override: { type: 'integer', minimum: 1, maximum: 200, default: 50 } });
