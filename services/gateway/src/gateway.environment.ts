import { bookingsSettings } from '@movie-ticketing/bookings/bookings.environment';
import { environmentFields, serverEnvironment } from '@movie-ticketing/kit/config';
import { tracingEnvironment } from '@movie-ticketing/kit/tracing';
import { usersEnvironment } from '@movie-ticketing/users/users.environment';
import { z } from 'zod';

/** What the one-process server reads: what every service does, with a laptop's defaults. */
export const gatewayEnvironment = z.object({
  ...usersEnvironment.shape,
  ...bookingsSettings.shape,
  ...tracingEnvironment.shape,
  // Published demo passwords must not be reachable from elsewhere unless somebody says so.
  HOST: z.string().default('127.0.0.1'),
  // The banner is what a person reads; requests are counted in the metrics all the same.
  LOG_LEVEL: serverEnvironment.shape.LOG_LEVEL.unwrap().default('warn'),
  DATA_DIR: z.string().min(1).default('.data'),
  SEED: environmentFields.oneOf(['demo', 'none'], 'demo'),
  ADMIN_EMAIL: usersEnvironment.shape.ADMIN_EMAIL.unwrap().default('admin@example.com'),
});

export type GatewayEnvironment = z.output<typeof gatewayEnvironment>;
