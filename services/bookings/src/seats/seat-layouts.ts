import type { Queryable } from '@movie-ticketing/kit/database';
import type { SeatPlanContent } from '@movie-ticketing/kit/seat-plan';
import { LRUCache } from 'lru-cache';

import { makeSeatLayout, type SeatLayout } from './seat-layout.ts';

/** Prepared plans take a few megabytes each for the largest ones. */
const maximumLayouts = 50;

/** Seat plans prepared for choosing seats, kept in the process: a version of a plan never changes. */
export type SeatLayouts = {
  /** @returns those plans by id */
  load(db: Queryable, planIds: readonly number[]): Promise<ReadonlyMap<number, SeatLayout>>;
};

export const makeSeatLayouts = (): SeatLayouts => {
  const known = new LRUCache<number, SeatLayout>({ max: maximumLayouts });
  return {
    load: async (db, planIds) => {
      const found = new Map<number, SeatLayout>();
      const missing: number[] = [];
      for (const id of new Set(planIds)) {
        const layout = known.get(id);
        if (layout === undefined) missing.push(id);
        else found.set(id, layout);
      }
      if (missing.length === 0) return found;
      const rows = await db.query<SeatPlanContent & { id: number }>(
        'SELECT id, categories, seats FROM seat_plans WHERE id = ANY($1::bigint[])',
        [missing],
      );
      for (const { id, ...content } of rows) {
        const layout = makeSeatLayout(content);
        known.set(id, layout);
        found.set(id, layout);
      }
      return found;
    },
  };
};
