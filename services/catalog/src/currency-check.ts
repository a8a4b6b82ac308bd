import { ConfigError } from '@movie-ticketing/kit/config';
import type { Queryable } from '@movie-ticketing/kit/database';
import { Problem } from '@movie-ticketing/kit/problems';
import type { ReadinessCheck } from '@movie-ticketing/kit/readiness';

const findOtherCurrency = async (db: Queryable, currency: string): Promise<string | undefined> => {
  const [row] = await db.query<{ currency: string }>(
    `SELECT currency FROM movies WHERE currency <> $1
     UNION ALL SELECT currency FROM screenings WHERE currency <> $1
     UNION ALL SELECT currency FROM price_cards WHERE currency <> $1
     UNION ALL SELECT currency FROM promo_codes WHERE currency <> $1
     LIMIT 1`,
    [currency],
  );
  return row?.currency;
};

export type CurrencyCheck = {
  /**
   * For the start of a process. A database that cannot answer yet is left to `ready`.
   * @throws ConfigError
   */
  atStart(): Promise<void>;
  /** `ready`, and then the currency until it was found right once. */
  ready: ReadinessCheck;
};

/** CURRENCY must not change while there are prices in another: tickets would be sold in two. */
export const makeCurrencyCheck = (
  db: Queryable,
  currency: string,
  ready: ReadinessCheck,
): CurrencyCheck => {
  let isRight = false;
  const reason = async (): Promise<string | undefined> => {
    if (isRight) return undefined;
    const other = await findOtherCurrency(db, currency);
    isRight = other === undefined;
    return other === undefined
      ? undefined
      : `CURRENCY is ${currency}, but the database has prices in ${other}: set CURRENCY to ${other}, or use another database`;
  };
  return {
    atStart: async () => {
      try {
        const found = await reason();
        if (found !== undefined) throw new ConfigError(found);
      } catch (error) {
        if (!(error instanceof Problem)) throw error;
      }
    },
    ready: async () => (await ready()) ?? (await reason()),
  };
};
