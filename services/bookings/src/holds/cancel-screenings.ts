import type { Database } from '@movie-ticketing/kit/database';

import { eachAlone } from './each-alone.ts';
import { makeHoldsRepository } from './holds.repository.ts';

const screeningsPerRound = 20;
const bookingsPerTransaction = 500;

/**
 * One round of cancelling and refunding the bookings of cancelled screenings. What is left to do is
 * read from the rows themselves, so a process that dies half-way is resumed by the next round.
 * @returns whether more is due already
 */
export const cancelBookingsOfCancelledScreenings = async (
  db: Database,
  observe: (cancelled: number) => void,
): Promise<boolean> => {
  const screenings = await makeHoldsRepository(db).findCancelledScreenings(screeningsPerRound);
  await eachAlone(screenings, async (screeningId) => {
    const cancelled = await db.transaction(async (tx) => {
      const holds = makeHoldsRepository(tx);
      const ids = await holds.lockLive(screeningId, bookingsPerTransaction);
      if (ids.length > 0) await holds.cancelAll(screeningId, ids);
      return ids.length;
    });
    observe(cancelled);
  });
  return screenings.length > 0;
};
