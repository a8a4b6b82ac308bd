import type { ApiResponse, Handlers } from '@movie-ticketing/kit/endpoint';
import { toPage } from '@movie-ticketing/kit/pagination';

import type { MovieEndpoints } from './movies.endpoints.ts';
import type { Movie } from './movies.schema.ts';
import type { MoviesService } from './movies.service.ts';

export type MovieHandlers = Handlers<MovieEndpoints>;

const created = (movie: Movie): ApiResponse => ({ status: 201, body: { movie } });

export const makeMovieHandlers = (movies: MoviesService): MovieHandlers => ({
  listMovies: async ({ query }) => {
    const { rows, nextCursor } = toPage(
      'movies',
      await movies.list(query),
      query.limit,
      ({ id }) => [id],
    );
    return { status: 200, body: { movies: rows, next_cursor: nextCursor } };
  },
  getMovie: async ({ params }) => ({ status: 200, body: { movie: await movies.get(params.id) } }),
  createMovie: ({ body, idempotency }) => movies.create(body, idempotency, created),
  updateMovie: async ({ params, body }) => ({
    status: 200,
    body: { movie: await movies.change(params.id, body) },
  }),
  deleteMovie: async ({ params }) => {
    await movies.remove(params.id);
    return { status: 204 };
  },
});
