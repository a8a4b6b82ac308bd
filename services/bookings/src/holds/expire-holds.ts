import type { Database } from '@movie-ticketing/kit/database';

import { releaseBookings } from '../bookings/release-bookings.ts';
import { makeSeatsRepository } from '../seats/seats.repository.ts';
import { forEachIndependently } from './for-each-independently.ts';
import { makeHoldsRepository } from './holds.repository.ts';

const holdsPerRound = 500;

/**
 * One round of expiring holds and releasing their seats. Any number of processes may run it: the lock on
 * the booking lets one of them expire it, and the others find it done.
 * @returns whether more may be due
 */
export const expireHolds = async (
  db: Database,
  options: {
    /** How long after its expiry a hold waits for a payment in progress. */
    paymentGraceMs: number;
    observe: (expired: number) => void;
  },
): Promise<boolean> => {
  const due = await makeHoldsRepository(db).findExpired(holdsPerRound, options.paymentGraceMs);
  if (due.length === 0) return false;
  let expired = 0;
  const expire = async (holds: readonly Hold[]): Promise<void> => {
    const count = await expireTogether(db, holds, options.paymentGraceMs);
    expired += count;
    options.observe(count);
  };
  try {
    await expire(due);
  } catch (error) {
    const byScreening = Map.groupBy(due, ({ screeningId }) => screeningId);
    if (byScreening.size === 1) throw error;
    await forEachIndependently(byScreening.values(), expire);
  }
  return due.length === holdsPerRound && expired > 0;
};

type Hold = { id: number; screeningId: number };

const expireTogether = (db: Database, due: readonly Hold[], graceMs: number): Promise<number> =>
  db.transaction(async (tx) => {
    const holds = makeHoldsRepository(tx);
    const seats = makeSeatsRepository(tx);
    // The lock order of the whole system: screenings, then bookings, each by id.
    await seats.lock(due.map(({ screeningId }) => screeningId));
    const locked = await holds.lockPending(due.map(({ id }) => id));
    // Decided by a statement after the locks: its snapshot includes a payment that began while this
    // transaction waited for them.
    const released = await holds.expire(locked, graceMs);
    await releaseBookings(tx, released);
    return released.length;
  });
