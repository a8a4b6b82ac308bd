import type { Database } from '@movie-ticketing/kit/database';
import type { Verify } from '@movie-ticketing/kit/endpoint';
import { invalid, Problem } from '@movie-ticketing/kit/problems';

import { screeningNotFound } from '../screenings/screenings.service.ts';
import { makeSeatPlansRepository } from '../seat-plans/seat-plans.repository.ts';
import { blockSeats } from './block-seats.ts';
import { makeSeatMapsRepository } from './seat-maps.repository.ts';
import type { SeatMap, SeatMapChange } from './seat-maps.schema.ts';

export type SeatMapsService = ReturnType<typeof makeSeatMapsService>;

export const makeSeatMapsService = (db: Database) => ({
  get: async (screeningId: number): Promise<SeatMap> => {
    const map = await makeSeatMapsRepository(db).find(screeningId);
    if (map === undefined) throw screeningNotFound();
    return map;
  },

  change: (screeningId: number, change: SeatMapChange, verify: Verify<SeatMap>): Promise<SeatMap> =>
    db.transaction(async (tx) => {
      const maps = makeSeatMapsRepository(tx);
      const map = await maps.lock(screeningId);
      if (map === undefined) throw screeningNotFound();
      verify(map);
      if (map.status === 'cancelled') throw new Problem('screening_cancelled');
      const { seatPlanId, taken, blocked } = map;
      if (seatPlanId === null || taken === null || blocked === null) {
        throw invalid('', 'The screening has general admission: it has no seats to block.');
      }
      const plan = await makeSeatPlansRepository(tx).find(seatPlanId);
      if (plan === undefined) throw new Error(`seat plan ${String(seatPlanId)} does not exist`);
      return maps.setBlocked(screeningId, blockSeats(plan, { taken, blocked }, change));
    }),
});
