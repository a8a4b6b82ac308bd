import type { Queryable } from '@movie-ticketing/kit/database';
import { id, instant, instantOut, money, price, type Money } from '@movie-ticketing/kit/fields';
import { invalid, Problem } from '@movie-ticketing/kit/problems';
import { isForeignKeyViolation } from '@movie-ticketing/kit/sqlstate';
import type { ColumnValues } from '@movie-ticketing/kit/statements';
import { z } from 'zod';

import type { AdminResource } from '../admin-resource.ts';
import { changedResource, newResource } from '../request-bodies.ts';
import { onTable, type Table } from '../table.ts';

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

type PromoCodeRow = {
  id: number;
  code: string;
  percent: number | null;
  amount_minor: number | null;
  currency: string | null;
  max_uses: number | null;
  uses: number;
  valid_from: Date | null;
  valid_until: Date | null;
  screening_id: number | null;
  movie_id: number | null;
};

const table: Table<PromoCodeRow, PromoCode> = {
  name: 'promo_codes',
  columns:
    'id, code, percent, amount_minor, currency, max_uses, uses, valid_from, valid_until, screening_id, movie_id',
  toResource: (row) => ({
    id: row.id,
    code: row.code,
    percent: row.percent,
    amount:
      row.amount_minor === null || row.currency === null
        ? null
        : { amount: row.amount_minor, currency: row.currency },
    maxUses: row.max_uses,
    uses: row.uses,
    validFrom: row.valid_from,
    validUntil: row.valid_until,
    screeningId: row.screening_id,
    movieId: row.movie_id,
  }),
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

type NewPromoCode = z.output<ReturnType<typeof newPromoCode>>;
type PromoCodeChange = z.output<ReturnType<typeof promoCodeChange>>;

const newPromoCode = (currency: string | undefined) => newResource(fields(currency));
const promoCodeChange = (currency: string | undefined) => changedResource(fields(currency));

/** @throws Problem invalid_request */
const requireConsistent = (of: PromoCode): void => {
  if ((of.percent === null) === (of.amount === null)) {
    throw invalid('percent', 'set either percent or amount');
  }
  if (of.validFrom !== null && of.validUntil !== null && of.validFrom >= of.validUntil) {
    throw invalid('valid_until', 'must be after valid_from');
  }
  if (of.maxUses !== null && of.maxUses < of.uses) {
    throw invalid('max_uses', `must be at least ${String(of.uses)}, the uses so far`);
  }
};

const toColumns = (change: PromoCodeChange): ColumnValues => ({
  code: change.code,
  percent: change.percent,
  amount_minor: change.amount === null ? null : change.amount?.amount,
  currency: change.amount === null ? null : change.amount?.currency,
  max_uses: change.max_uses,
  valid_from: change.valid_from,
  valid_until: change.valid_until,
  screening_id: change.screening_id,
  movie_id: change.movie_id,
});

const changed = (of: PromoCode, change: PromoCodeChange): PromoCode => {
  const kept = <T>(value: T | undefined, before: T): T => (value === undefined ? before : value);
  return {
    ...of,
    percent: kept(change.percent, of.percent),
    amount: kept(change.amount, of.amount),
    maxUses: kept(change.max_uses, of.maxUses),
    validFrom: kept(change.valid_from, of.validFrom),
    validUntil: kept(change.valid_until, of.validUntil),
  };
};

/** @throws Problem not_found for an unknown screening or movie */
const requireTargets = async <T>(write: Promise<T>): Promise<T> => {
  try {
    return await write;
  } catch (error) {
    if (!isForeignKeyViolation(error)) throw error;
    throw new Problem('not_found', { detail: 'Screening or movie not found.', cause: error });
  }
};

const unused: Omit<PromoCode, 'code'> = {
  id: 0,
  percent: null,
  amount: null,
  maxUses: null,
  uses: 0,
  validFrom: null,
  validUntil: null,
  screeningId: null,
  movieId: null,
};

const makePromoCodesRepository = (db: Queryable) => {
  const codes = onTable(table, db);
  return {
    ...codes,
    insert: (promo: NewPromoCode): Promise<PromoCode> => {
      requireConsistent(changed({ ...unused, code: promo.code }, promo));
      return requireTargets(codes.insert(toColumns(promo)));
    },
    update: (current: PromoCode, change: PromoCodeChange): Promise<PromoCode> => {
      requireConsistent(changed(current, change));
      return requireTargets(codes.update(current.id, toColumns(change)));
    },
  };
};

export const promoCodes = (
  currency: string | undefined,
): AdminResource<PromoCode, NewPromoCode, PromoCodeChange> => ({
  singular: 'promo_code',
  plural: 'promo_codes',
  tag: 'Prices',
  description:
    'A code that takes a percentage or an amount off a booking. A limited one is counted down with the booking that uses it, and given back when the booking expires or is cancelled.',
  schema: z
    .strictObject({
      id: id(),
      ...fields(undefined),
      code: z.string(),
      amount: money.nullable(),
      uses: z.int().min(0).describe('Uses by live bookings'),
      valid_from: instantOut().nullable(),
      valid_until: instantOut().nullable(),
    })
    .meta({ id: 'PromoCode' }),
  newSchema: newPromoCode(currency),
  changeSchema: promoCodeChange(currency),
  uniqueField: 'code',
  inUse: 'Bookings were made with the promo code. Set valid_until instead.',
  problems: ['not_found'],
  present: (from) => ({
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
  }),
  repository: makePromoCodesRepository,
});
