import { bookingsSettings } from '@movie-ticketing/bookings/bookings.environment';
import { environmentFields, serverEnvironment } from '@movie-ticketing/kit/config';
import { tracingEnvironment } from '@movie-ticketing/kit/tracing';
import { usersEnvironment } from '@movie-ticketing/users/users.environment';
import { z } from 'zod';

/** The environment of the one-process server: that of every service, with defaults for a laptop. */
export const gatewayEnvironment = z.object({
  ...usersEnvironment.shape,
  ...bookingsSettings.shape,
  ...tracingEnvironment.shape,
  // The demo passwords are public: the server is reachable from this machine only unless HOST is set.
  HOST: z.string().default('127.0.0.1'),
  // The banner stays readable; the metrics count every request.
  LOG_LEVEL: serverEnvironment.shape.LOG_LEVEL.unwrap().default('warn'),
  DATA_DIR: z.string().min(1).default('.data'),
  SEED: environmentFields.oneOf(['demo', 'none'], 'demo'),
  ADMIN_EMAIL: usersEnvironment.shape.ADMIN_EMAIL.unwrap().default('admin@example.com'),
});

export type GatewayEnvironment = z.output<typeof gatewayEnvironment>;
