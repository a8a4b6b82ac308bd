import type { Queryable } from '@movie-ticketing/kit/database';
import type { CurrentUser } from '@movie-ticketing/kit/current-user';
import { Problem, userDeleted } from '@movie-ticketing/kit/problems';

import { makeUsersRepository } from './users.repository.ts';

/**
 * Checks the role in the database. The role in an access token may be minutes old, and a user who lost
 * it must not read or change other users meanwhile.
 * @throws Problem `forbidden`, or `unauthenticated` where the user was deleted
 */
export const requireCurrentRole = async (
  db: Queryable,
  { userId }: CurrentUser,
  required: 'staff' | 'admin',
): Promise<void> => {
  const user = await makeUsersRepository(db).find(userId);
  if (user === undefined) throw userDeleted();
  if (user.role === 'admin' || user.role === required) return;
  throw new Problem('forbidden', { detail: `This request needs the role ${required}.` });
};
