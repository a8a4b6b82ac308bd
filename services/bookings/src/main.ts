import { parseEnvironment } from '@movie-ticketing/kit/config';
import { requiredDatabaseUrl } from '@movie-ticketing/kit/database-environment';
import { makeLogger } from '@movie-ticketing/kit/logging';
import { makeRegistry } from '@movie-ticketing/kit/metrics';
import { runProcess, serve } from '@movie-ticketing/kit/service-process';
import { jwksOverHttp } from '@movie-ticketing/kit/published-keys';
import { startTracing } from '@movie-ticketing/kit/tracing';

import { makeBookingsProcess } from './bookings.composition.ts';
import { bookingsEnvironment } from './bookings.environment.ts';

await runProcess(async () => {
  const environment = parseEnvironment(bookingsEnvironment, process.env);
  const databaseUrl = requiredDatabaseUrl(environment);
  const logger = makeLogger({ service: 'bookings', level: environment.LOG_LEVEL });
  const registry = makeRegistry('bookings');
  const tracing = await startTracing(environment, 'bookings');
  const service = makeBookingsProcess({
    databaseUrl,
    environment,
    logger,
    registry,
    jwks: jwksOverHttp(environment.JWT_JWKS_URL),
  });
  const running = await serve({ services: [service], environment, logger, registry, tracing });
  logger.info({ port: running.port, management_port: running.managementPort }, 'listening');
  return running.stop;
});
