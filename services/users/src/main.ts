import { parseEnvironment } from '@movie-ticketing/kit/config';
import { requiredDatabaseUrl } from '@movie-ticketing/kit/database-environment';
import { makeLogger, type Logger } from '@movie-ticketing/kit/logging';
import { makeRegistry } from '@movie-ticketing/kit/metrics';
import { runProcess, serve } from '@movie-ticketing/kit/service-process';
import { startTracing, tracingEnvironment } from '@movie-ticketing/kit/tracing';

import { makeUsersService, type UsersService } from './users.composition.ts';
import { usersEnvironment, type UsersEnvironment } from './users.environment.ts';

const environmentSchema = usersEnvironment.extend(tracingEnvironment.shape);

/** An administrator if ADMIN_EMAIL names one; a password that was made up is printed this once. */
const ensureAdmin = async (
  service: UsersService,
  environment: UsersEnvironment,
  logger: Logger,
): Promise<void> => {
  const { ADMIN_EMAIL: email, ADMIN_PASSWORD: password } = environment;
  if (email === undefined) return;
  const outcome = await service.ensureAdmin({ email, password });
  if (outcome.kind === 'exists') {
    if (outcome.role !== 'admin') {
      logger.warn({ role: outcome.role }, 'the account of ADMIN_EMAIL is no admin; it is left so');
    }
    return;
  }
  logger.info('the administrator of ADMIN_EMAIL was created');
  if (outcome.generatedPassword !== undefined) {
    console.log(`Administrator: ${email} / ${outcome.generatedPassword} (shown this once)`);
  }
};

await runProcess(async () => {
  const environment = parseEnvironment(environmentSchema, process.env);
  const logger = makeLogger({ service: 'users', level: environment.LOG_LEVEL });
  const registry = makeRegistry('users');
  const tracing = await startTracing(environment, 'users');
  const databaseUrl = requiredDatabaseUrl(environment);
  const service = await makeUsersService({ databaseUrl, environment, logger, registry });
  await ensureAdmin(service, environment, logger);
  const running = await serve({ services: [service], environment, logger, registry, tracing });
  logger.info({ port: running.port, management_port: running.managementPort }, 'listening');
  return running.stop;
});
