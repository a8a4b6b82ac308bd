import { route, type Route } from '@movie-ticketing/kit/endpoint';

import type { TheaterEndpoints } from './theaters.endpoints.ts';
import type { TheaterHandlers } from './theaters.handlers.ts';

export const theaterRoutes = (endpoints: TheaterEndpoints, handlers: TheaterHandlers): Route[] => [
  route(endpoints.listTheaters, handlers.listTheaters),
  route(endpoints.getTheater, handlers.getTheater),
  route(endpoints.createTheater, handlers.createTheater),
  route(endpoints.updateTheater, handlers.updateTheater),
  route(endpoints.deleteTheater, handlers.deleteTheater),
];
