import { verifierOf } from '@movie-ticketing/kit/conditional-requests';
import type { Handlers } from '@movie-ticketing/kit/endpoint';
import { toPage } from '@movie-ticketing/kit/pagination';

import { created } from '../responses.ts';
import type { MovieEndpoints } from './movies.endpoints.ts';
import { presentMovie } from './movies.schema.ts';
import type { MoviesService } from './movies.service.ts';

export type MovieHandlers = Handlers<MovieEndpoints>;

const verifier = verifierOf('movie', presentMovie);

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
  updateMovie: async ({ params, body, precondition }) => ({
    status: 200,
    body: { movie: presentMovie(await movies.change(params.id, body, verifier(precondition))) },
  }),
  deleteMovie: async ({ params, precondition }) => {
    await movies.remove(params.id, verifier(precondition));
    return { status: 204 };
  },
});
