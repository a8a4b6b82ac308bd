import type { Database } from '@movie-ticketing/kit/database';
import type { ApiResponse, IdempotentRequest } from '@movie-ticketing/kit/endpoint';
import { withIdempotency } from '@movie-ticketing/kit/idempotency';
import { Problem } from '@movie-ticketing/kit/problems';

import { makeTheatersRepository } from './theaters.repository.ts';
import type { Theater, TheaterChange, TheaterQuery, NewTheater } from './theaters.schema.ts';

const noTheater = (): Problem => new Problem('not_found', { detail: 'There is no such theater.' });

export type TheatersService = ReturnType<typeof makeTheatersService>;

export const makeTheatersService = (db: Database) => {
  const theaters = makeTheatersRepository(db);
  return {
    list: (query: TheaterQuery): Promise<Theater[]> => theaters.list(query),

    get: async (id: number): Promise<Theater> => {
      const found = await theaters.find(id);
      if (found === undefined) throw noTheater();
      return found;
    },

    /** @param present makes the answer, which is stored with the theater in one transaction */
    create: (
      theater: NewTheater,
      idempotency: IdempotentRequest | undefined,
      present: (made: Theater) => ApiResponse,
    ): Promise<ApiResponse> =>
      withIdempotency(db, 'catalog_idempotency_keys', idempotency, async (tx) =>
        present(await makeTheatersRepository(tx).insert(theater)),
      ),

    change: async (id: number, change: TheaterChange): Promise<Theater> => {
      const changed = await theaters.update(id, change);
      if (changed === undefined) throw noTheater();
      return changed;
    },

    remove: async (id: number): Promise<void> => {
      if (!(await theaters.remove(id))) throw noTheater();
    },
  };
};
