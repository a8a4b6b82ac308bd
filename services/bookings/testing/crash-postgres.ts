import {
  chmodSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import {
  startEmbeddedPostgres,
  type EmbeddedPostgres,
} from '@movie-ticketing/embedded-postgres/embedded-postgres';
import { migrate } from '@movie-ticketing/migrations/migrate';

import { until } from './crash-client.ts';

/** A Postgres of a test's own, fsync on, that can be killed and started again where it was. */
export type CrashPostgres = {
  url: string;
  /** SIGKILL to the postmaster and every process of its data folder, as if the machine had lost them. */
  kill: () => Promise<void>;
  /** Starts it again on the same data and port; recovery is over when this resolves. */
  restart: () => Promise<void>;
  stop: () => Promise<void>;
};

export const startCrashPostgres = async (): Promise<CrashPostgres> => {
  const folder = mkdtempSync(join(tmpdir(), 'movie-ticketing-crash-'));
  chmodSync(folder, 0o755); // Postgres is another user when this is root
  const dataDir = join(folder, 'data');
  const start = (): Promise<EmbeddedPostgres> =>
    startEmbeddedPostgres({ dataDir, durable: true, parameters: { shared_buffers: '64MB' } });
  let server = await start();
  const { url } = server;
  await migrate({ databaseUrl: url });
  return {
    url,
    kill: async () => {
      await killAll(realpathSync(join(dataDir, 'postgres')));
      await server.stop(); // nothing to stop; it lets go of the data folder
    },
    restart: async () => {
      server = await start();
      if (server.url !== url) throw new Error('the database came back somewhere else');
    },
    stop: async () => {
      await server.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
};

const killAll = async (clusterDir: string): Promise<void> => {
  const postmaster = Number(
    readFileSync(join(clusterDir, 'postmaster.pid'), 'utf8').split('\n')[0],
  );
  // The postmaster first, by its pid file: it would restart or end the others in an orderly way.
  signal(postmaster);
  await until('no process of Postgres is left', () => {
    const left = processesIn(clusterDir);
    left.forEach(signal);
    return left.length === 0 ? true : undefined;
  });
};

const signal = (pid: number): void => {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It is gone.
  }
};

/** Every process of a Postgres has its data folder as its working directory. */
const processesIn = (clusterDir: string): number[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        return readlinkSync(`/proc/${String(pid)}/cwd`) === clusterDir;
      } catch {
        return false; // gone meanwhile
      }
    });
