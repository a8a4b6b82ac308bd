import { jwksEnvironment, serverEnvironment, tokenEnvironment } from '@movie-ticketing/kit/config';
import { databaseEnvironment } from '@movie-ticketing/kit/database-environment';
import { tracingEnvironment } from '@movie-ticketing/kit/tracing';
import { z } from 'zod';

/** The environment of a catalog process. */
export const catalogEnvironment = z.object({
  ...serverEnvironment.shape,
  ...tokenEnvironment.shape,
  ...jwksEnvironment.shape,
  ...databaseEnvironment.shape,
  ...tracingEnvironment.shape,
});

export type CatalogEnvironment = z.output<typeof catalogEnvironment>;
