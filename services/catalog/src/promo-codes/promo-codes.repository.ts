import type { Queryable } from '@movie-ticketing/kit/database';
import { invalid, Problem } from '@movie-ticketing/kit/problems';
import { isForeignKeyViolation } from '@movie-ticketing/kit/sqlstate';
import type { ColumnValues } from '@movie-ticketing/kit/statements';

import { onTable, type Table } from '../table.ts';
import type { NewPromoCode, PromoCode, PromoCodeChange } from './promo-codes.schema.ts';

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

export const makePromoCodesRepository = (db: Queryable) => {
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
