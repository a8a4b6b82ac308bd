import type { Queryable } from '@movie-ticketing/kit/database';
import { until } from '@movie-ticketing/kit/testing/until';

/** Resolves once `count` statements in this database wait for a lock. */
export const untilWaiting = (db: Queryable, count: number): Promise<void> =>
  until(async () => {
    const rows = await db.query(
      `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
    );
    return rows.length >= count;
  });
