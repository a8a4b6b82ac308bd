import { codeOf, isConnectionLost, type Queryable } from './database.ts';
import type { Logger } from './logging.ts';
import { Problem } from './problems.ts';
import { RoleRefused } from './service-role.ts';

/** Nothing when ready, else what is missing, in words for an operator. */
export type ReadinessCheck = () => Promise<string | undefined>;

/**
 * Ready: the database answers, and has at least the migrations this code was built for.
 * A newer database is fine: a roll-out migrates first (expand, then contract).
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
      return whatIsWrong(error instanceof Problem ? error.cause : error);
    }
  };

/** The probe's own answer is read by nobody: the log says once why a process is not ready, and when it is. */
export const toldInLog = (check: ReadinessCheck, logger: Logger): ReadinessCheck => {
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

const undefinedTable = '42P01';

const whatIsWrong = (error: unknown): string => {
  if (error instanceof RoleRefused) return error.message;
  if (codeOf(error) === undefinedTable) return 'the database is not migrated';
  const said = error instanceof Error ? error.message : String(error);
  return isConnectionLost(error)
    ? `the database cannot be reached (${said === '' ? String(codeOf(error)) : said})`
    : `the database does not do its work (${said})`;
};
