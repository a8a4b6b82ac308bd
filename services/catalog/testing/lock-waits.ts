import type { Queryable } from '@movie-ticketing/kit/database';

/** Resolves once `holds` does; the test's own time-out is the bound. */
export const until = async (holds: () => Promise<boolean>): Promise<void> => {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 5));
};

/** Resolves once `count` statements in this database wait for a lock. */
export const untilWaiting = (db: Queryable, count: number): Promise<void> =>
  until(async () => {
    const rows = await db.query(
      `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
    );
    return rows.length >= count;
  });
