import { parseEnvironment } from '@movie-ticketing/kit/config';
import { requiredDatabaseUrl } from '@movie-ticketing/kit/database-environment';
import { makeLogger, type Logger } from '@movie-ticketing/kit/logging';
import { makeRegistry } from '@movie-ticketing/kit/metrics';
import { runProcess, serve } from '@movie-ticketing/kit/service-process';
import { startTracing, tracingEnvironment } from '@movie-ticketing/kit/tracing';

import { makeUsersProcess, type UsersProcess } from './users.composition.ts';
import { usersEnvironment, type UsersEnvironment } from './users.environment.ts';

const environmentSchema = usersEnvironment.extend(tracingEnvironment.shape);

/** Creates the admin that ADMIN_EMAIL names; a generated password is printed once. */
const ensureAdmin = async (
  service: UsersProcess,
  environment: UsersEnvironment,
  logger: Logger,
): Promise<void> => {
  const { ADMIN_EMAIL: email, ADMIN_PASSWORD: password } = environment;
  if (email === undefined) return;
  const outcome = await service.ensureAdmin({ email, password });
  if (outcome.kind === 'exists') {
    if (outcome.role !== 'admin') {
      logger.warn({ role: outcome.role }, 'ADMIN_EMAIL exists but is not an admin; unchanged');
    }
    return;
  }
  logger.info('ADMIN_EMAIL created as admin');
  if (outcome.generatedPassword !== undefined) {
    console.log(`Admin: ${email} / ${outcome.generatedPassword} (generated, shown once)`);
  }
};

await runProcess(async () => {
  const environment = parseEnvironment(environmentSchema, process.env);
  const logger = makeLogger({ service: 'users', level: environment.LOG_LEVEL });
  const registry = makeRegistry('users');
  const tracing = await startTracing(environment, 'users');
  const databaseUrl = requiredDatabaseUrl(environment);
  const service = await makeUsersProcess({ databaseUrl, environment, logger, registry });
  await ensureAdmin(service, environment, logger);
  const running = await serve({ services: [service], environment, logger, registry, tracing });
  logger.info({ port: running.port, management_port: running.managementPort }, 'listening');
  return running.stop;
});
