import type { CurrentUser } from '@movie-ticketing/kit/current-user';
import { Problem } from '@movie-ticketing/kit/problems';

export const isStaff = ({ role }: CurrentUser): boolean => role !== 'customer';

/** A customer sees only their own: another user's booking is not found, so that ids reveal nothing. */
export const requireVisible = <T extends { userId: number }>(
  currentUser: CurrentUser,
  found: T | undefined,
  name: 'Booking' | 'Payment',
): T => {
  if (found === undefined || (found.userId !== currentUser.userId && !isStaff(currentUser))) {
    throw new Problem('not_found', { detail: `${name} not found.` });
  }
  return found;
};
