import { parseEnvironment } from '@movie-ticketing/kit/config';
import { makeDatabase, type Database } from '@movie-ticketing/kit/database';
import type { Role } from '@movie-ticketing/kit/current-user';
import { Registry } from '@movie-ticketing/kit/metrics';
import { silentLogger, startTestServer, type TestServer } from '@movie-ticketing/kit/testing/api';
import { createTestDatabase } from '@movie-ticketing/kit/testing/database';
import { makeTestTokens } from '@movie-ticketing/kit/testing/tokens';

import { makeCatalogService } from '../src/catalog.composition.ts';
import { catalogEnvironment } from '../src/catalog.environment.ts';
import { insertUser } from './builders.ts';

export type RunningCatalog = TestServer & {
  databaseUrl: string;
  /** A connection of the owner of the tables. */
  db: Database;
  /** The token of an admin. */
  admin: string;
  /** A new user and their token. */
  signUp: (role: Role) => Promise<{ id: number; token: string }>;
};

/** The catalog on a database of its own, composed as in production. */
export const startTestCatalog = async (
  options: { prepare?: (db: Database) => Promise<unknown> } = {},
): Promise<RunningCatalog> => {
  const database = await createTestDatabase();
  const db = makeDatabase({
    url: database.url,
    poolSize: 6,
    logger: silentLogger,
    applicationName: 'test-owner',
  });
  await options.prepare?.(db);
  const tokens = await makeTestTokens();
  const service = makeCatalogService({
    databaseUrl: database.url,
    environment: parseEnvironment(catalogEnvironment, {}),
    logger: silentLogger,
    registry: new Registry(),
    jwks: tokens.source,
  });
  const server = await startTestServer([service]);
  const signUp = async (role: Role): Promise<{ id: number; token: string }> => {
    const { id } = await insertUser(db, { role });
    return { id, token: await tokens.sign({ userId: id, role }) };
  };
  return {
    ...server,
    databaseUrl: database.url,
    db,
    admin: (await signUp('admin')).token,
    signUp,
    stop: async () => {
      await server.stop();
      await db.close();
      await database.drop();
    },
  };
};
