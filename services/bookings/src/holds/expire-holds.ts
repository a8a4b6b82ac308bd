import type { Database } from '@movie-ticketing/kit/database';

import { makeHoldsRepository } from './holds.repository.ts';

const perRound = 500;

/**
 * One round of giving back the seats of holds that ran out. Any number of processes may run it: the
 * booking's lock lets one of them expire it, and the others find it done.
 * @returns whether more is due already
 */
export const expireHolds = async (
  db: Database,
  options: {
    /** For how long past its expiry a hold waits for a payment in doubt. */
    paymentGraceMs: number;
    observe: (expired: number) => void;
  },
): Promise<boolean> => {
  const due = await makeHoldsRepository(db).findDue(perRound, options.paymentGraceMs);
  if (due.length === 0) return false;
  const expired = await db.transaction(async (tx) => {
    const holds = makeHoldsRepository(tx);
    // The lock order of the whole system: screenings, then bookings, each by id.
    await holds.lockScreenings(due.map(({ screeningId }) => screeningId));
    const locked = await holds.lockPending(due.map(({ id }) => id));
    // Judged by a statement of its own: its snapshot is younger than the locks, and sees a payment
    // that began while we waited for them.
    return holds.expire(locked, options.paymentGraceMs);
  });
  options.observe(expired);
  return due.length === perRound && expired > 0;
};
