import type { Queryable } from './database.ts';
import type { Logger } from './logging.ts';
import { Problem } from './problems.ts';
import { RoleRefused } from './database-session.ts';
import { codeOf, isConnectionLost, sqlstate } from './sqlstate.ts';

/** Undefined when ready, else the reason, for the log and for an operator. */
export type ReadinessCheck = () => Promise<string | undefined>;

/**
 * Ready: the database answers and has at least the migrations that this version needs.
 * A newer database is accepted: a rollout migrates first (expand, then contract).
 */
export const databaseReadiness =
  (db: Queryable, requiredMigration: string): ReadinessCheck =>
  async () => {
    try {
      const rows = await db.query<{ name: string }>(
        'SELECT name FROM pgmigrations WHERE name = $1',
        [requiredMigration],
      );
      return rows.length === 1 ? undefined : `migration ${requiredMigration} is not applied yet`;
    } catch (error) {
      return unreadyReason(error instanceof Problem ? error.cause : error);
    }
  };

/** A failed probe's body reaches no log: this logs each change, with the reason. */
export const logReadiness = (check: ReadinessCheck, logger: Logger): ReadinessCheck => {
  let before: string | undefined;
  return async () => {
    const missing = await check();
    if (missing !== before) {
      if (missing === undefined) logger.info('ready again');
      else logger.warn({ reason: missing }, 'not ready');
      before = missing;
    }
    return missing;
  };
};

const unreadyReason = (error: unknown): string => {
  if (error instanceof RoleRefused) return error.message;
  const code = codeOf(error);
  if (code === sqlstate.undefinedTable) return 'the database is not migrated';
  const message = error instanceof Error ? error.message : String(error);
  const reason = message === '' ? String(code) : message;
  if (code?.startsWith('28') === true) return `the database refuses the login (${reason})`;
  return isConnectionLost(error)
    ? `the database cannot be reached (${reason})`
    : `the database is unavailable (${reason})`;
};
