import { parseEnvironment, requiredDatabaseUrl } from '@movie-ticketing/kit/config';
import { makeLogger } from '@movie-ticketing/kit/logging';
import { makeRegistry } from '@movie-ticketing/kit/metrics';
import { runProcess, serve } from '@movie-ticketing/kit/service-process';
import { makeAllServices } from '@movie-ticketing/gateway/all-services';
import { gatewayEnvironment } from '@movie-ticketing/gateway/gateway.environment';

import { controlBatch } from './control-batch.ts';

/**
 * The whole API in one process, as `npm start` serves it, on a database that is ready. Told `control`
 * it differs in one thing: how bookings that wait are run.
 */
await runProcess(async () => {
  const environment = parseEnvironment(gatewayEnvironment, process.env);
  const logger = makeLogger({ service: 'movie-ticketing', level: environment.LOG_LEVEL });
  const registry = makeRegistry('movie-ticketing');
  const { services, pages } = await makeAllServices({
    databaseUrl: requiredDatabaseUrl(environment),
    environment,
    logger,
    registry,
    ...(process.argv[2] === 'control' ? { run: controlBatch } : {}),
  });
  const running = await serve({
    services,
    pages,
    environment,
    logger,
    registry,
    tracing: undefined,
  });
  process.send?.({ url: `http://127.0.0.1:${String(running.port)}` });
  // Asked how much processor time it has used: a figure that other work on the machine hardly touches.
  process.on('message', () => process.send?.(process.cpuUsage()));
  // The benchmark is gone: nobody else needs this process.
  process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'));
  return running.stop;
});
