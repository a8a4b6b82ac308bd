import { resolve } from 'node:path';

import { parseEnvironment } from '@movie-ticketing/kit/config';
import { makeLogger } from '@movie-ticketing/kit/logging';
import { makeRegistry } from '@movie-ticketing/kit/metrics';
import { runProcess, serve } from '@movie-ticketing/kit/service-process';
import { startTracing } from '@movie-ticketing/kit/tracing';
import { seed } from '@movie-ticketing/seed/seed';
import type { UsersProcess } from '@movie-ticketing/users/users.composition';

import { makeAllServices } from './all-services.ts';
import { bannerOf, type SignInLine } from './banner.ts';
import { gatewayEnvironment, type GatewayEnvironment } from './gateway.environment.ts';
import { prepareDatabase, type PreparedDatabase } from './prepare-database.ts';

const progress = (message: string): void => {
  console.log(message);
};

/** Creates the administrator if absent. The banner shows a password only if it was generated just now. */
const ensureAdmin = async (
  users: UsersProcess,
  { ADMIN_EMAIL: email, ADMIN_PASSWORD: password }: GatewayEnvironment,
): Promise<SignInLine> => {
  const outcome = await users.ensureAdmin({ email, password });
  if (outcome.kind === 'exists') {
    return { role: outcome.role, email, password: '(unchanged)' };
  }
  const { generatedPassword } = outcome;
  return {
    role: 'admin',
    email,
    password:
      generatedPassword === undefined
        ? '(ADMIN_PASSWORD)'
        : `${generatedPassword}  (generated, shown only once)`,
  };
};

/** A screening that starts in more than an hour and has free seats, found through the API. */
const findScreening = async (url: string): Promise<number | undefined> => {
  const from = new Date(Date.now() + 3_600_000).toISOString();
  const answer = await fetch(`${url}/screenings?status=scheduled&limit=20&from=${from}`);
  if (!answer.ok) return undefined;
  const { screenings } = (await answer.json()) as {
    screenings: { id: number; available_seats: number }[];
  };
  return screenings.find(({ available_seats: seats }) => seats >= 2)?.id;
};

const urlOf = (host: string, port: number): string => {
  if (['127.0.0.1', '0.0.0.0', '::', '::1'].includes(host))
    return `http://localhost:${String(port)}`;
  return `http://${host.includes(':') ? `[${host}]` : host}:${String(port)}`;
};

const startOn = async (
  database: PreparedDatabase,
  environment: GatewayEnvironment,
): Promise<() => Promise<void>> => {
  const logger = makeLogger({ service: 'movie-ticketing', level: environment.LOG_LEVEL });
  const registry = makeRegistry('movie-ticketing');
  const tracing = await startTracing(environment, 'movie-ticketing');
  const { services, pages, users, catalog } = await makeAllServices({
    databaseUrl: database.url,
    environment,
    logger,
    registry,
  });
  try {
    await catalog.checkCurrency();
    const { signIns } = await seed({
      databaseUrl: database.url,
      mode: environment.SEED,
      currency: environment.CURRENCY,
      hashPassword: users.hashPassword,
      log: progress,
    });
    const admin = await ensureAdmin(users, environment);
    const running = await serve({ services, pages, environment, logger, registry, tracing });
    const url = urlOf(environment.HOST, running.port);
    console.log(
      bannerOf({
        url,
        managementUrl: urlOf(environment.HOST, running.managementPort),
        dataDir: database.embedded ? resolve(environment.DATA_DIR) : undefined,
        signIns: [...signIns, admin],
        screeningId: signIns.length === 0 ? undefined : await findScreening(url),
        seconds: process.uptime(),
      }),
    );
    return running.stop;
  } catch (error) {
    await Promise.all(services.map((service) => service.stop()));
    throw error;
  }
};

await runProcess(async () => {
  const environment = parseEnvironment(gatewayEnvironment, process.env);
  const database = await prepareDatabase(environment, progress);
  try {
    const stop = await startOn(database, environment);
    return async () => {
      try {
        await stop();
      } finally {
        await database.stop();
      }
    };
  } catch (error) {
    await database.stop();
    throw error;
  }
});
