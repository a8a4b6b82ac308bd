import { movieEndpoints } from './movies/movies.endpoints.ts';
import { screeningEndpoints } from './screenings/screenings.endpoints.ts';
import { theaterEndpoints } from './theaters/theaters.endpoints.ts';

/** Everything the catalog promises, by operation id. */
export const catalogEndpoints = (settings: { currency: string | undefined }) => ({
  ...movieEndpoints(settings),
  ...theaterEndpoints,
  ...screeningEndpoints(settings),
});
