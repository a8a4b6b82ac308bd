import { databaseUrl } from '@movie-ticketing/kit/database-environment';
import {
  EmbeddedPostgresError,
  startEmbeddedPostgres,
} from '@movie-ticketing/embedded-postgres/embedded-postgres';
import { StartError } from '@movie-ticketing/kit/service-process';
import { migrate, MigrationError } from '@movie-ticketing/migrations/migrate';

import type { GatewayEnvironment } from './gateway.environment.ts';

export type PreparedDatabase = {
  url: string;
  embedded: boolean;
  /** Stops the embedded Postgres; one that was given goes on. */
  stop: () => Promise<void>;
};

/**
 * The database that the environment names, or an embedded one under DATA_DIR, migrated.
 * @throws StartError for what an operator can put right
 */
export const prepareDatabase = async (
  environment: GatewayEnvironment,
  progress: (message: string) => void,
): Promise<PreparedDatabase> => {
  const database = await openDatabase(environment, progress);
  try {
    await migrate({ databaseUrl: database.url, log: progress });
    return database;
  } catch (error) {
    await database.stop();
    throw error instanceof MigrationError ? new StartError(error.message, { cause: error }) : error;
  }
};

const openDatabase = async (
  environment: GatewayEnvironment,
  progress: (message: string) => void,
): Promise<PreparedDatabase> => {
  const given = databaseUrl(environment);
  if (given !== undefined) return { url: given, embedded: false, stop: () => Promise.resolve() };
  try {
    const postgres = await startEmbeddedPostgres({
      dataDir: environment.DATA_DIR,
      keepAlive: true,
      progress,
    });
    return { url: postgres.url, embedded: true, stop: postgres.stop };
  } catch (error) {
    if (error instanceof EmbeddedPostgresError) {
      throw new StartError(error.message, { cause: error });
    }
    throw error;
  }
};
