import type { Database } from '@movie-ticketing/kit/database';
import type { ApiResponse, IdempotentRequest } from '@movie-ticketing/kit/endpoint';
import { withIdempotency } from '@movie-ticketing/kit/idempotency';
import { invalid, Problem } from '@movie-ticketing/kit/problems';

import { decideScreeningChange } from './screening-change.ts';
import {
  makeScreeningsRepository,
  type ListedScreening,
  type NewScreeningGround,
  type ScreeningsRepository,
} from './screenings.repository.ts';
import type {
  NewScreening,
  Screening,
  ScreeningChange,
  ScreeningQuery,
} from './screenings.schema.ts';

const notFound = (what: string): Problem =>
  new Problem('not_found', { detail: `There is no such ${what}.` });

const whyNotInserted = ({ has_movie, has_theater }: NewScreeningGround): Problem => {
  if (!has_movie) return notFound('movie');
  if (!has_theater) return notFound('theater');
  return invalid('starts_at', 'must lie in the future');
};

const insert = async (
  screenings: ScreeningsRepository,
  screening: NewScreening,
): Promise<Screening> => {
  await screenings.lockHall(screening.theater_id);
  const made = await screenings.insert(screening);
  if (made === undefined) throw whyNotInserted(await screenings.ground(screening));
  return made;
};

export type ScreeningsService = ReturnType<typeof makeScreeningsService>;

export const makeScreeningsService = (db: Database) => {
  const screenings = makeScreeningsRepository(db);
  return {
    list: (query: ScreeningQuery): Promise<ListedScreening[]> => screenings.list(query),

    get: async (id: number): Promise<Screening> => {
      const found = await screenings.find(id);
      if (found === undefined) throw notFound('screening');
      return found;
    },

    /** @param present makes the answer, which is stored with the screening in one transaction */
    create: (
      screening: NewScreening,
      idempotency: IdempotentRequest | undefined,
      present: (made: Screening) => ApiResponse,
    ): Promise<ApiResponse> =>
      withIdempotency(db, 'catalog_idempotency_keys', idempotency, async (tx) =>
        present(await insert(makeScreeningsRepository(tx), screening)),
      ),

    /** Bookings of a cancelled screening are the bookings service's to cancel: it watches `status`. */
    change: (id: number, change: ScreeningChange): Promise<Screening> =>
      db.transaction(async (tx) => {
        const repository = makeScreeningsRepository(tx);
        // The hall before the screening: the lock order of the whole system.
        const hall = change.starts_at && (await repository.find(id))?.theater_id;
        if (hall !== undefined) await repository.lockHall(hall);
        const locked = await repository.lock(id);
        if (locked === undefined) throw notFound('screening');
        const decision = decideScreeningChange(locked, change);
        if (decision.do === 'refuse') throw decision.because;
        if (decision.do === 'nothing') return locked.screening;
        return repository.update(id, decision.to);
      }),

    remove: async (id: number): Promise<void> => {
      if (!(await screenings.remove(id))) throw notFound('screening');
    },
  };
};
