import { invalid, Problem } from '@movie-ticketing/kit/problems';

import type { Screening, ScreeningChange } from './screenings.schema.ts';

/** A screening whose row is locked, and the database's clock read after the lock. */
export type LockedScreening = { screening: Screening; now: Date };

export type Decision =
  | { do: 'nothing' }
  | { do: 'refuse'; because: Problem }
  /** Only what really changes. */
  | { do: 'change'; to: ScreeningChange };

const nothing: Decision = { do: 'nothing' };

const refuse = (because: Problem): Decision => ({ do: 'refuse', because });

/** What of a change is one: the values that stand already say nothing. */
const realPart = (screening: Screening, change: ScreeningChange): ScreeningChange => {
  const { starts_at: start, price, status } = change;
  const isMoved = start !== undefined && start.getTime() !== Date.parse(screening.starts_at);
  const isRepriced =
    price !== undefined &&
    (price.amount !== screening.price.amount || price.currency !== screening.price.currency);
  return {
    ...(isMoved ? { starts_at: start } : {}),
    ...(isRepriced ? { price } : {}),
    ...(status !== undefined && status !== screening.status ? { status } : {}),
  };
};

/** What becomes of a PATCH. Pure, so that every case stands in a table of tests. */
export const decideScreeningChange = (
  { screening, now }: LockedScreening,
  change: ScreeningChange,
): Decision => {
  const to = realPart(screening, change);
  if (Object.keys(to).length === 0) return nothing;
  if (screening.status === 'cancelled') {
    return refuse(new Problem('screening_cancelled', { detail: 'Cancelling is final.' }));
  }
  if (Date.parse(screening.starts_at) <= now.getTime()) {
    return refuse(new Problem('screening_started'));
  }
  // Invariant 1: seats are missing if and only if bookings hold them. Under the row's lock that is
  // exact, so the bookings' own tables, which this service may not read, need no look.
  const hasLiveBookings = screening.available_seats < screening.total_seats;
  if (hasLiveBookings && (to.starts_at !== undefined || to.price !== undefined)) {
    return refuse(
      new Problem('has_live_bookings', {
        detail: 'Its time and its price stand while tickets are held or sold.',
      }),
    );
  }
  if (to.starts_at !== undefined && to.starts_at <= now) {
    return refuse(invalid('starts_at', 'must lie in the future'));
  }
  return { do: 'change', to };
};
