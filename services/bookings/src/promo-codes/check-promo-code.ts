import { refused, type Refusal } from '../batch/booking-request.ts';
import type { LockedScreening } from '../seats/seats.repository.ts';
import type { LockedPromoCode } from './promo-codes.repository.ts';

/** Counts the uses of promo codes within a batch, in order. */
export const makePromoCodeCheck = (promoCodes: ReadonlyMap<string, LockedPromoCode>) => {
  const used = new Map<number, number>();
  return {
    /** @returns the promo code, or why it does not apply to the screening */
    find: (
      code: string | undefined,
      screening: LockedScreening,
    ): LockedPromoCode | Refusal | undefined => {
      if (code === undefined) return undefined;
      const promo = promoCodes.get(code);
      const detail =
        promo === undefined
          ? 'There is no such promo code.'
          : findFault(promo, screening, used.get(promo.id) ?? 0);
      return detail === undefined ? promo : refused('promo_code_invalid', detail);
    },
    /** Counts a booking that the batch makes. */
    add: (promo: LockedPromoCode | undefined): void => {
      if (promo !== undefined) used.set(promo.id, (used.get(promo.id) ?? 0) + 1);
    },
  };
};

export type PromoCodeCheck = ReturnType<typeof makePromoCodeCheck>;

const findFault = (
  { validFrom, validUntil, screeningId, movieId, usesLeft }: LockedPromoCode,
  screening: LockedScreening,
  used: number,
): string | undefined => {
  if (validFrom !== null && screening.now < validFrom) return 'The promo code is not valid yet.';
  if (validUntil !== null && screening.now >= validUntil) return 'The promo code has expired.';
  if (screeningId !== null && screeningId !== screening.id) {
    return 'The promo code is for another screening.';
  }
  if (movieId !== null && movieId !== screening.movieId) {
    return 'The promo code is for another movie.';
  }
  return usesLeft > used ? undefined : 'The promo code has been used up.';
};
