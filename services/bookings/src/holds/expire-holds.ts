import type { Database } from '@movie-ticketing/kit/database';

import { eachAlone } from './each-alone.ts';
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
  let expired = 0;
  const expire = async (some: readonly Due[]): Promise<void> => {
    const count = await expireTogether(db, some, options.paymentGraceMs);
    expired += count;
    options.observe(count);
  };
  try {
    await expire(due);
  } catch (error) {
    const byScreening = Map.groupBy(due, ({ screeningId }) => screeningId);
    if (byScreening.size === 1) throw error;
    await eachAlone(byScreening.values(), expire);
  }
  return due.length === perRound && expired > 0;
};

type Due = { id: number; screeningId: number };

const expireTogether = (db: Database, due: readonly Due[], graceMs: number): Promise<number> =>
  db.transaction(async (tx) => {
    const holds = makeHoldsRepository(tx);
    // The lock order of the whole system: screenings, then bookings, each by id.
    await holds.lockScreenings(due.map(({ screeningId }) => screeningId));
    const locked = await holds.lockPending(due.map(({ id }) => id));
    // Judged by a statement of its own: its snapshot is younger than the locks, and sees a payment
    // that began while we waited for them.
    return holds.expire(locked, graceMs);
  });
