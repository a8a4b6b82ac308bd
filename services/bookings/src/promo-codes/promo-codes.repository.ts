import type { Queryable } from '@movie-ticketing/kit/database';
import {
  makeParameters,
  unnestRows,
  type Parameters,
  type RowColumns,
} from '@movie-ticketing/kit/statements';

import type { Discount } from '../prices/price-tickets.ts';

/** A promo code as read under its lock. */
export type LockedPromoCode = {
  id: number;
  code: string;
  discount: Discount;
  /** How many more bookings may use it. */
  usesLeft: number;
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
  max_uses: number | null;
  uses: number;
  valid_from: Date | null;
  valid_until: Date | null;
  screening_id: number | null;
  movie_id: number | null;
};

const toLocked = (row: PromoCodeRow): LockedPromoCode => ({
  id: row.id,
  code: row.code,
  discount:
    row.percent === null ? { amountMinor: row.amount_minor ?? 0 } : { percent: row.percent },
  usesLeft: row.max_uses === null ? Infinity : row.max_uses - row.uses,
  validFrom: row.valid_from,
  validUntil: row.valid_until,
  screeningId: row.screening_id,
  movieId: row.movie_id,
});

/** Locks promo codes, step 5 of the lock order, by id. @returns those that exist, by code */
export const lockPromoCodes = async (
  tx: Queryable,
  codes: readonly string[],
): Promise<Map<string, LockedPromoCode>> => {
  if (codes.length === 0) return new Map();
  const rows = await tx.query<PromoCodeRow>(
    `SELECT id, code, percent, amount_minor, max_uses, uses, valid_from, valid_until, screening_id, movie_id
     FROM promo_codes WHERE code = ANY($1::text[]) ORDER BY id FOR NO KEY UPDATE`,
    [codes],
    'bookings.promo_codes.lock',
  );
  return new Map(rows.map((row) => [row.code, toLocked(row)]));
};

type Use = { promoCodeId: number; uses: number };

const useColumns: RowColumns<Use> = {
  promo_code_id: ['bigint', ({ promoCodeId }) => promoCodeId],
  uses: ['int', ({ uses }) => uses],
};

type WithPromoCode = { promoCodeId: number | null };

/** One change per promo code: an UPDATE with FROM applies only one of several rows with the same id. */
const countUses = (bookings: readonly WithPromoCode[]): Use[] => {
  const uses = new Map<number, number>();
  for (const { promoCodeId } of bookings) {
    if (promoCodeId !== null) uses.set(promoCodeId, (uses.get(promoCodeId) ?? 0) + 1);
  }
  return [...uses].map(([promoCodeId, count]) => ({ promoCodeId, uses: count }));
};

/** The write that counts the uses of bookings of locked promo codes, or gives them back. */
export const changeUses = (
  parameters: Parameters,
  operator: '+' | '-',
  bookings: readonly WithPromoCode[],
): string =>
  `UPDATE promo_codes p SET uses = p.uses ${operator} change.uses
   FROM ${unnestRows(parameters, 'change', countUses(bookings), useColumns)}
   WHERE p.id = change.promo_code_id`;

/** Gives back the uses of bookings that are no longer live. Locks the codes by id first. */
export const giveBackUses = async (
  tx: Queryable,
  bookings: readonly WithPromoCode[],
): Promise<void> => {
  const ids = countUses(bookings).map(({ promoCodeId }) => promoCodeId);
  if (ids.length === 0) return;
  await tx.query(
    'SELECT FROM promo_codes WHERE id = ANY($1::bigint[]) ORDER BY id FOR NO KEY UPDATE',
    [ids],
  );
  const parameters = makeParameters();
  await tx.query(changeUses(parameters, '-', bookings), parameters.values);
};
