import { route, type Route } from '@movie-ticketing/kit/endpoint';

import type { ScreeningEndpoints } from './screenings.endpoints.ts';
import type { ScreeningHandlers } from './screenings.handlers.ts';

export const screeningRoutes = (
  endpoints: ScreeningEndpoints,
  handlers: ScreeningHandlers,
): Route[] => [
  route(endpoints.listScreenings, handlers.listScreenings),
  route(endpoints.getScreening, handlers.getScreening),
  route(endpoints.createScreening, handlers.createScreening),
  route(endpoints.updateScreening, handlers.updateScreening),
  route(endpoints.deleteScreening, handlers.deleteScreening),
];
