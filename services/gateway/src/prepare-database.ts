import { ConfigError } from '@movie-ticketing/kit/config';
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
  /** Stops the embedded PostgreSQL; an external database keeps running. */
  stop: () => Promise<void>;
};

/**
 * The database of the environment, or an embedded one under DATA_DIR, migrated.
 * @throws ConfigError for a DATA_DIR that cannot be used, StartError for another error that the operator
 * of the server can correct
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
  const external = databaseUrl(environment);
  if (external !== undefined)
    return { url: external, embedded: false, stop: () => Promise.resolve() };
  try {
    const postgres = await startEmbeddedPostgres({
      dataDir: environment.DATA_DIR,
      keepAlive: true,
      progress,
    });
    return { url: postgres.url, embedded: true, stop: postgres.stop };
  } catch (error) {
    if (error instanceof EmbeddedPostgresError && error.code === 'unreachable') {
      throw new ConfigError(`DATA_DIR must be a writable folder. ${error.message}`, {
        cause: error,
      });
    }
    if (error instanceof EmbeddedPostgresError) {
      throw new StartError(error.message, { cause: error });
    }
    throw error;
  }
};
