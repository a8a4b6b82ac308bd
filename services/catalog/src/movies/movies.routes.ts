import { route, type Route } from '@movie-ticketing/kit/endpoint';

import type { MovieEndpoints } from './movies.endpoints.ts';
import type { MovieHandlers } from './movies.handlers.ts';

export const movieRoutes = (endpoints: MovieEndpoints, handlers: MovieHandlers): Route[] => [
  route(endpoints.listMovies, handlers.listMovies),
  route(endpoints.getMovie, handlers.getMovie),
  route(endpoints.createMovie, handlers.createMovie),
  route(endpoints.updateMovie, handlers.updateMovie),
  route(endpoints.deleteMovie, handlers.deleteMovie),
];
