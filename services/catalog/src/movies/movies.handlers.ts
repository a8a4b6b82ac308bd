import type { Handlers } from '@movie-ticketing/kit/endpoint';
import { toPage } from '@movie-ticketing/kit/pagination';

import { created } from '../responses.ts';
import type { MovieEndpoints } from './movies.endpoints.ts';
import { presentMovie } from './movies.schema.ts';
import type { MoviesService } from './movies.service.ts';

export type MovieHandlers = Handlers<MovieEndpoints>;

export const makeMovieHandlers = (movies: MoviesService): MovieHandlers => ({
  listMovies: async ({ query }) => {
    const { rows, nextCursor } = toPage(
      'movies',
      await movies.list(query),
      query.limit,
      ({ id }) => [id],
    );
    return { status: 200, body: { movies: rows.map(presentMovie), next_cursor: nextCursor } };
  },
  getMovie: async ({ params }) => ({
    status: 200,
    body: { movie: presentMovie(await movies.get(params.id)) },
  }),
  createMovie: ({ body, idempotency }) =>
    movies.create(body, idempotency, (movie) => created('movies', 'movie', presentMovie(movie))),
  updateMovie: async ({ params, body }) => ({
    status: 200,
    body: { movie: presentMovie(await movies.change(params.id, body)) },
  }),
  deleteMovie: async ({ params }) => {
    await movies.remove(params.id);
    return { status: 204 };
  },
});
