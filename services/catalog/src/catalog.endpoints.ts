import { movieEndpoints } from './movies/movies.endpoints.ts';
import { screeningEndpoints } from './screenings/screenings.endpoints.ts';
import { theaterEndpoints } from './theaters/theaters.endpoints.ts';

/** The endpoints of this service, by operationId. */
export const catalogEndpoints = (settings: { currency: string | undefined }) => ({
  ...movieEndpoints(settings),
  ...theaterEndpoints,
  ...screeningEndpoints(settings),
});
