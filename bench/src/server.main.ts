import { writeFile } from 'node:fs/promises';
import { Session } from 'node:inspector/promises';

import { parseEnvironment } from '@movie-ticketing/kit/config';
import { requiredDatabaseUrl } from '@movie-ticketing/kit/database-environment';
import { makeLogger } from '@movie-ticketing/kit/logging';
import { makeRegistry } from '@movie-ticketing/kit/metrics';
import { runProcess, serve } from '@movie-ticketing/kit/service-process';
import { makeAllServices } from '@movie-ticketing/gateway/all-services';
import { gatewayEnvironment } from '@movie-ticketing/gateway/gateway.environment';

import { controlBatch, noQueue } from './control-batch.ts';
import type { ServerRequest } from './server.ts';

const profiler = new Session();

const answer = async ({ ask, file }: ServerRequest): Promise<object> => {
  switch (ask) {
    case 'usage':
      return process.cpuUsage();
    case 'start-profile':
      profiler.connect();
      await profiler.post('Profiler.enable');
      await profiler.post('Profiler.start');
      return {};
    case 'stop-profile': {
      const { profile } = await profiler.post('Profiler.stop');
      profiler.disconnect();
      await writeFile(file ?? 'profile.cpuprofile', JSON.stringify(profile));
      return {};
    }
  }
};

/**
 * The whole API in one process, as `npm start` serves it, on a prepared database. With the argument `control`
 * each booking has a transaction of its own.
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
    ...(process.argv[2] === 'control'
      ? { control: { run: controlBatch, makeQueue: noQueue } }
      : {}),
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
  process.on('message', (request: ServerRequest) => {
    void answer(request).then((found) => process.send?.(found));
  });
  // The benchmark exited.
  process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'));
  return running.stop;
});
