import { Problem } from './problems.ts';
import { RoleRefused } from './database-session.ts';
import { isConnectionLost, isDatabaseUnavailable, isLockTimeout, isRetryable } from './sqlstate.ts';

/** The connection was lost while COMMIT was on its way. */
export class CommitInDoubt extends Error {
  override readonly name = 'CommitInDoubt';
}

/** Maps an error that comes from the state of the database to a 503. Other errors are returned unchanged. */
export const translateDatabaseError = (error: unknown): unknown => {
  if (error instanceof Problem) return error;
  if (isConnectionLost(error) || error instanceof CommitInDoubt) {
    return new Problem('unavailable', {
      detail: 'The database cannot be reached right now.',
      retryAfter: 2,
      cause: error,
    });
  }
  if (isDatabaseUnavailable(error) || error instanceof RoleRefused) {
    return new Problem('unavailable', {
      detail: 'The database is unavailable right now.',
      retryAfter: 5,
      cause: error,
    });
  }
  // A lock time-out, or a transaction whose retries are used up.
  if (isLockTimeout(error) || isRetryable(error)) {
    return new Problem('overloaded', { retryAfter: 1, cause: error });
  }
  return error;
};
