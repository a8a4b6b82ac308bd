import type { Queryable } from './database.ts';

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
    } catch {
      return 'the database cannot be reached or is not migrated';
    }
  };
