import { parseEnvironment } from '@movie-ticketing/kit/config';
import { requiredDatabaseUrl } from '@movie-ticketing/kit/database-environment';
import { makeLogger } from '@movie-ticketing/kit/logging';
import { makeRegistry } from '@movie-ticketing/kit/metrics';
import { runProcess, serve } from '@movie-ticketing/kit/service-process';
import { jwksOverHttp } from '@movie-ticketing/kit/published-keys';
import { startTracing } from '@movie-ticketing/kit/tracing';

import { makeCatalogService } from './catalog.composition.ts';
import { catalogEnvironment } from './catalog.environment.ts';

await runProcess(async () => {
  const environment = parseEnvironment(catalogEnvironment, process.env);
  const databaseUrl = requiredDatabaseUrl(environment);
  const logger = makeLogger({ service: 'catalog', level: environment.LOG_LEVEL });
  const registry = makeRegistry('catalog');
  const tracing = await startTracing(environment, 'catalog');
  const jwks = jwksOverHttp(environment.JWT_JWKS_URL);
  const catalog = makeCatalogService({ databaseUrl, environment, logger, registry, jwks });
  await catalog.checkCurrency();
  const running = await serve({ services: [catalog], environment, logger, registry, tracing });
  logger.info({ port: running.port, management_port: running.managementPort }, 'listening');
  return running.stop;
});
