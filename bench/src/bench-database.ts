import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';

import { makeDatabase, type Database } from '@movie-ticketing/kit/database';
import { startEmbeddedPostgres } from '@movie-ticketing/embedded-postgres/embedded-postgres';
import { makeLogger } from '@movie-ticketing/kit/logging';
import { migrate } from '@movie-ticketing/migrations/migrate';

export type BenchDatabase = {
  url: string;
  db: Database;
  /** For the report: the version, and whether commits reach the disk. */
  description: string;
  stop: () => Promise<void>;
};

type Place = { url: string; remove: () => Promise<void> };

/**
 * Creates and migrates a database for the benchmark: on an embedded PostgreSQL with fsync on, or on the
 * server of DATABASE_URL, where existing databases stay unchanged.
 * @param dataRoot a folder on a disk: in memory a flush costs nothing
 */
export const openBenchDatabase = async (options: {
  databaseUrl: string | undefined;
  dataRoot: string;
}): Promise<BenchDatabase> => {
  const place =
    options.databaseUrl === undefined
      ? await startOwn(options.dataRoot)
      : await makeOn(options.databaseUrl);
  let db: Database | undefined;
  try {
    await migrate({ databaseUrl: place.url });
    db = connect(place.url);
    return {
      url: place.url,
      db,
      description: await describe(db),
      stop: async () => {
        await db?.close();
        await place.remove();
      },
    };
  } catch (error) {
    await db?.close();
    await place.remove();
    throw error;
  }
};

const connect = (url: string): Database =>
  makeDatabase({
    url,
    poolSize: 2,
    logger: makeLogger({ service: 'bench', level: 'silent' }),
    applicationName: 'bench',
    settings: { statement_timeout: 120_000, lock_timeout: 60_000 },
  });

const startOwn = async (dataRoot: string): Promise<Place> => {
  mkdirSync(dataRoot, { recursive: true });
  const dataDir = mkdtempSync(join(dataRoot, 'bench-'));
  const { url, stop } = await startEmbeddedPostgres({ dataDir, durable: true });
  return {
    url,
    remove: async () => {
      await stop();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
};

const makeOn = async (server: string): Promise<Place> => {
  const owner = connect(server);
  const name = `bench_${randomBytes(6).toString('hex')}`;
  try {
    await owner.query(`CREATE DATABASE ${name}`);
  } catch (error) {
    await owner.close();
    throw error;
  }
  const url = new URL(server);
  url.pathname = `/${name}`;
  return {
    url: url.href,
    remove: async () => {
      await owner.query(`DROP DATABASE ${name} WITH (FORCE)`);
      await owner.close();
    },
  };
};

const describe = async (db: Database): Promise<string> => {
  const [row] = await db.query<{ version: string; fsync: string; commit: string }>(
    `SELECT current_setting('server_version') AS version, current_setting('fsync') AS fsync,
            current_setting('synchronous_commit') AS commit`,
  );
  return `PostgreSQL ${row?.version ?? '?'}, fsync ${row?.fsync ?? '?'}, synchronous_commit ${row?.commit ?? '?'}`;
};
