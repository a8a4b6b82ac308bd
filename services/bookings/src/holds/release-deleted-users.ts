import type { Database } from '@movie-ticketing/kit/database';

import { releaseBookings } from '../bookings/release-bookings.ts';
import { makeSeatsRepository } from '../seats/seats.repository.ts';
import { forEachIndependently } from './for-each-independently.ts';
import { makeHoldsRepository } from './holds.repository.ts';

const holdsPerRound = 500;

/**
 * One round of cancelling the holds of deleted users, so that their seats do not wait for the holds to
 * expire. The users service cannot do it: it has no rights on bookings. A hold with a payment in progress
 * is left until that is settled.
 * @returns whether more may be due
 */
export const releaseHoldsOfDeletedUsers = async (
  db: Database,
  observe: (released: number) => void,
): Promise<boolean> => {
  const holds = await makeHoldsRepository(db).findOfDeletedUsers(holdsPerRound);
  const byScreening = Map.groupBy(holds, ({ screeningId }) => screeningId);
  await forEachIndependently(byScreening, async ([screeningId, ofScreening]) => {
    const ids = ofScreening.map(({ id }) => id);
    observe(await cancelHolds(db, screeningId, ids));
  });
  return holds.length === holdsPerRound;
};

const cancelHolds = (db: Database, screeningId: number, ids: readonly number[]): Promise<number> =>
  db.transaction(async (tx) => {
    const holds = makeHoldsRepository(tx);
    const seats = makeSeatsRepository(tx);
    await seats.lock([screeningId]);
    const locked = await holds.lockPending(ids);
    // A statement of its own, after the locks: its snapshot includes a payment that began before.
    const cancelled = await holds.cancel(await holds.withoutPayment(locked));
    await releaseBookings(tx, cancelled);
    return cancelled.length;
  });
