import { parseEnvironment } from '@movie-ticketing/kit/config';
import { makeDatabase, type Database } from '@movie-ticketing/kit/database';
import type { Role } from '@movie-ticketing/kit/current-user';
import { Registry } from '@movie-ticketing/kit/metrics';
import type { Service } from '@movie-ticketing/kit/service';
import { silentLogger, startTestServer, type TestServer } from '@movie-ticketing/kit/testing/api';
import { createTestDatabase } from '@movie-ticketing/kit/testing/database';
import { makeTestTokens, type TestTokens } from '@movie-ticketing/kit/testing/tokens';

import { insertUser } from '@movie-ticketing/catalog/testing/builders';
import { makeBookingsProcess, type BookingsOptions } from '../src/bookings.composition.ts';
import { bookingsEnvironment } from '../src/bookings.environment.ts';
import type { PaymentProvider } from '../src/payments/payment-provider.ts';

export type TestUser = { id: number; token: string };

export type BookingsSystem = {
  /** A connection of the owner, which may read every table. */
  db: Database;
  databaseUrl: string;
  tokens: TestTokens;
  /** One per process; the first is `server`. With `processes: 0` no background worker runs. */
  servers: TestServer[];
  server: TestServer;
  /** A new user with an access token. */
  user: (role?: Role) => Promise<TestUser>;
  /** `count` new customers with access tokens. */
  users: (count: number) => Promise<TestUser[]>;
  seatsOf: (screeningId: number) => Promise<number>;
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
    /** Replaces the simulated provider in every process. */
    provider?: (db: Database) => PaymentProvider;
  } = {},
): Promise<BookingsSystem> => {
  const database = await createTestDatabase();
  const db = makeDatabase({
    url: database.url,
    poolSize: 5,
    logger: silentLogger,
    applicationName: 'test',
    settings: { lock_timeout: 20_000 },
  });
  const tokens = await makeTestTokens();
  const servers: TestServer[] = [];
  const startProcess: BookingsSystem['startProcess'] = async (overrides = {}, env = {}) => {
    const service: Service = makeBookingsProcess({
      databaseUrl: database.url,
      environment: parseEnvironment(bookingsEnvironment, {
        PAYMENT_TIMEOUT_SECONDS: '1',
        RATE_LIMITS: 'off',
        ...options.env,
        ...env,
      }),
      logger: silentLogger,
      registry: new Registry(),
      jwks: tokens.source,
      ...(options.provider === undefined ? {} : { provider: options.provider(db) }),
      ...options.overrides,
      ...overrides,
    });
    const server = stopOnce(await startTestServer([service]));
    servers.push(server);
    return server;
  };
  for (let i = 0; i < (options.processes ?? 1); i += 1) await startProcess();
  return {
    db,
    databaseUrl: database.url,
    tokens,
    servers,
    get server() {
      const [first] = servers;
      if (first === undefined) throw new Error('this system was started without a process');
      return first;
    },
    user: async (role = 'customer') => {
      const user = await insertUser(db, { role });
      return { id: user.id, token: await tokens.sign({ userId: user.id, role }) };
    },
    users: async (count) => {
      const rows = await db.query<{ id: number }>(
        `INSERT INTO users (email, canonical_email, password_hash) SELECT email, email, '!'
           FROM (SELECT gen_random_uuid() || '@example.com' AS email FROM generate_series(1, $1))
         RETURNING id`,
        [count],
      );
      return Promise.all(
        rows.map(async ({ id }) => ({ id, token: await tokens.sign({ userId: id }) })),
      );
    },
    seatsOf: async (screeningId) => {
      const [row] = await db.query<{ seats: number }>(
        'SELECT available_seats AS seats FROM screenings WHERE id = $1',
        [screeningId],
      );
      return row?.seats ?? Number.NaN;
    },
    startProcess,
    stop: async () => {
      await Promise.all(servers.map((it) => it.stop()));
      await db.close();
      await database.drop();
    },
  };
};

/** A test may stop a process before `stop` of the system does. */
const stopOnce = (server: TestServer): TestServer => {
  let stopping: Promise<void> | undefined;
  return { ...server, stop: () => (stopping ??= server.stop()) };
};
