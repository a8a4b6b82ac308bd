import { parseEnvironment } from '@movie-ticketing/kit/config';
import { makeDatabase, type Database } from '@movie-ticketing/kit/database';
import type { Role } from '@movie-ticketing/kit/endpoint';
import { Registry } from '@movie-ticketing/kit/metrics';
import type { Service } from '@movie-ticketing/kit/service';
import { silentLogger, startTestServer, type TestServer } from '@movie-ticketing/kit/testing/api';
import { createTestDatabase } from '@movie-ticketing/kit/testing/database';
import { makeTestTokens, type TestTokens } from '@movie-ticketing/kit/testing/tokens';

import { insertUser } from '../../catalog/testing/builders.ts';
import { makeBookingsProcess, type BookingsOptions } from '../src/bookings.composition.ts';
import { bookingsEnvironment } from '../src/bookings.environment.ts';

export type BookingsSystem = {
  /** The owner's connection: a test looks at everything. */
  db: Database;
  databaseUrl: string;
  tokens: TestTokens;
  /** One server a process asked for; the first is `server`. */
  servers: TestServer[];
  server: TestServer;
  /** A new person, signed in. */
  person: (role?: Role) => Promise<{ id: number; token: string }>;
  /** Another process on the same database. */
  startProcess: (
    overrides?: Partial<BookingsOptions>,
    env?: Record<string, string>,
  ) => Promise<TestServer>;
  stop: () => Promise<void>;
};

/** The bookings service on a database of its own, `processes` times. */
export const startBookingsSystem = async (
  options: {
    processes?: number;
    env?: Record<string, string>;
    overrides?: Partial<BookingsOptions>;
  } = {},
): Promise<BookingsSystem> => {
  const database = await createTestDatabase();
  const db = makeDatabase({
    url: database.url,
    poolSize: 5,
    logger: silentLogger,
    applicationName: 'test',
    lockTimeoutMs: 20_000,
  });
  const tokens = await makeTestTokens();
  const servers: TestServer[] = [];
  const startProcess: BookingsSystem['startProcess'] = async (overrides = {}, env = {}) => {
    const service: Service = makeBookingsProcess({
      databaseUrl: database.url,
      environment: parseEnvironment(bookingsEnvironment, {
        PAYMENT_TIMEOUT_SECONDS: '1',
        ...options.env,
        ...env,
      }),
      logger: silentLogger,
      registry: new Registry(),
      jwks: tokens.source,
      ...options.overrides,
      ...overrides,
    });
    const server = await startTestServer([service]);
    servers.push(server);
    return server;
  };
  for (let i = 0; i < (options.processes ?? 1); i += 1) await startProcess();
  const [server] = servers;
  if (server === undefined) throw new Error('a system has one process at least');
  return {
    db,
    databaseUrl: database.url,
    tokens,
    servers,
    server,
    person: async (role = 'customer') => {
      const user = await insertUser(db, { role });
      return { id: user.id, token: await tokens.sign({ userId: user.id, role }) };
    },
    startProcess,
    stop: async () => {
      await Promise.all(servers.map((it) => it.stop()));
      await db.close();
      await database.drop();
    },
  };
};
