import type { Queryable } from '@movie-ticketing/kit/database';

import { giveBackUses } from '../promo-codes/promo-codes.repository.ts';
import { makeSeatsRepository, type SeatHolder } from '../seats/seats.repository.ts';

/** A booking that is no longer live: what it held is to be released. */
export type ReleasedBooking = SeatHolder & { promoCodeId: number | null };

/** Releases the seats of bookings of locked screenings, voids their tickets and gives back their promo codes. */
export const releaseBookings = async (
  tx: Queryable,
  bookings: readonly ReleasedBooking[],
): Promise<void> => {
  await makeSeatsRepository(tx).release(bookings);
  await giveBackUses(tx, bookings);
};
