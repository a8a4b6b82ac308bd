import type { Database } from '@movie-ticketing/kit/database';

import { releaseBookings } from '../bookings/release-bookings.ts';
import { makePaymentsRepository } from '../payments/payments.repository.ts';
import { makeSeatsRepository } from '../seats/seats.repository.ts';
import { forEachIndependently } from './for-each-independently.ts';
import { makeHoldsRepository } from './holds.repository.ts';

const screeningsPerRound = 20;
const bookingsPerTransaction = 500;

/**
 * One round of cancelling and refunding the bookings of cancelled screenings. The remaining work is read
 * from the rows, so the next round resumes after a crash.
 * @returns whether more may be due
 */
export const cancelBookingsOfCancelledScreenings = async (
  db: Database,
  observe: (cancelled: number) => void,
): Promise<boolean> => {
  const screenings = await makeHoldsRepository(db).findCancelledScreenings(screeningsPerRound);
  await forEachIndependently(screenings, async (screeningId) => {
    observe(await cancelBookingsOf(db, screeningId));
  });
  return screenings.length > 0;
};

const cancelBookingsOf = (db: Database, screeningId: number): Promise<number> =>
  db.transaction(async (tx) => {
    const holds = makeHoldsRepository(tx);
    const seats = makeSeatsRepository(tx);
    await seats.lock([screeningId]);
    const ids = await holds.lockLive(screeningId, bookingsPerTransaction);
    if (ids.length === 0) return 0;
    const cancelled = await holds.cancel(ids);
    await makePaymentsRepository(tx).requestRefunds(ids);
    await releaseBookings(tx, cancelled);
    return ids.length;
  });
