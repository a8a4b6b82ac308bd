import type { Database } from '@movie-ticketing/kit/database';
import type { ApiResponse, IdempotentRequest } from '@movie-ticketing/kit/endpoint';
import { withIdempotency } from '@movie-ticketing/kit/idempotency';
import { Problem } from '@movie-ticketing/kit/problems';

import { makeMoviesRepository } from './movies.repository.ts';
import type { Movie, MovieChange, MovieQuery, NewMovie } from './movies.schema.ts';

const noMovie = (): Problem => new Problem('not_found', { detail: 'There is no such movie.' });

export type MoviesService = ReturnType<typeof makeMoviesService>;

export const makeMoviesService = (db: Database) => {
  const movies = makeMoviesRepository(db);
  return {
    list: (query: MovieQuery): Promise<Movie[]> => movies.list(query),

    get: async (id: number): Promise<Movie> => {
      const found = await movies.find(id);
      if (found === undefined) throw noMovie();
      return found;
    },

    /** @param present makes the answer, which is stored with the movie in one transaction */
    create: (
      movie: NewMovie,
      idempotency: IdempotentRequest | undefined,
      present: (made: Movie) => ApiResponse,
    ): Promise<ApiResponse> =>
      withIdempotency(db, 'catalog_idempotency_keys', idempotency, async (tx) =>
        present(await makeMoviesRepository(tx).insert(movie)),
      ),

    change: async (id: number, change: MovieChange): Promise<Movie> => {
      const changed = await movies.update(id, change);
      if (changed === undefined) throw noMovie();
      return changed;
    },

    remove: async (id: number): Promise<void> => {
      if (!(await movies.remove(id))) throw noMovie();
    },
  };
};
