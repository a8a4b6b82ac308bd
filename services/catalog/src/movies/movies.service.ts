import type { Database, Queryable } from '@movie-ticketing/kit/database';
import type { ApiResponse, Verify } from '@movie-ticketing/kit/endpoint';
import { withIdempotency, type IdempotentRequest } from '@movie-ticketing/kit/idempotency';
import { invalid, Problem } from '@movie-ticketing/kit/problems';

import { makeScreeningsRepository } from '../screenings/screenings.repository.ts';
import { makeMoviesRepository } from './movies.repository.ts';
import type { Movie, MovieChange, MovieQuery, NewMovie } from './movies.schema.ts';
import { requireAllWithinRun, type Run } from './run.ts';

export const movieNotFound = (): Problem =>
  new Problem('not_found', { detail: 'Movie not found.' });

const changedRun = (movie: Movie, change: MovieChange): Run => ({
  startDate: change.start_date ?? movie.startDate,
  endDate: change.end_date ?? movie.endDate,
});

/** @throws Problem invalid_request, outside_run */
const requireLegalRun = async (tx: Queryable, movie: Movie, change: MovieChange): Promise<void> => {
  const run = changedRun(movie, change);
  if (run.startDate === movie.startDate && run.endDate === movie.endDate) return;
  if (run.startDate > run.endDate) {
    throw change.end_date === undefined
      ? invalid('start_date', 'must not be after end_date')
      : invalid('end_date', 'must not be before start_date');
  }
  const screenings = makeScreeningsRepository(tx);
  // Their time zones do not change until this transaction ends.
  await screenings.lockTheatersOfMovie(movie.id);
  const upcoming = await screenings.upcomingOf('movie_id', movie.id);
  requireAllWithinRun(upcoming.map((each) => ({ ...each, run })));
};

export type MoviesService = ReturnType<typeof makeMoviesService>;

export const makeMoviesService = (db: Database) => {
  const movies = makeMoviesRepository(db);
  return {
    list: (query: MovieQuery): Promise<Movie[]> => movies.list(query),

    get: async (id: number): Promise<Movie> => {
      const movie = await movies.find(id);
      if (movie === undefined) throw movieNotFound();
      return movie;
    },

    /** @param present the response, which is stored with the movie in one transaction */
    create: (
      movie: NewMovie,
      idempotency: IdempotentRequest | undefined,
      present: (movie: Movie) => ApiResponse,
    ): Promise<ApiResponse> =>
      withIdempotency(db, 'catalog_idempotency_keys', idempotency, async (tx) =>
        present(await makeMoviesRepository(tx).insert(movie)),
      ),

    /** Screenings keep their price and times; upcoming ones stay within the run. */
    change: (id: number, change: MovieChange, verify: Verify<Movie>): Promise<Movie> =>
      db.transaction(async (tx) => {
        const repository = makeMoviesRepository(tx);
        const movie = await repository.lock(id);
        if (movie === undefined) throw movieNotFound();
        verify(movie);
        await requireLegalRun(tx, movie, change);
        return repository.update(id, change);
      }),

    remove: (id: number, verify: Verify<Movie>): Promise<void> =>
      db.transaction(async (tx) => {
        const repository = makeMoviesRepository(tx);
        const movie = await repository.lock(id);
        if (movie === undefined) throw movieNotFound();
        verify(movie);
        await repository.remove(id);
      }),
  };
};
