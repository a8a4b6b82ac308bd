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

/** A PostgreSQL for one test, with fsync, that can be killed and restarted on the same data. */
export type CrashPostgres = {
  url: string;
  /** SIGKILL to the postmaster and all its processes. */
  kill: () => Promise<void>;
  /** Starts it again on the same data and port; resolves after recovery. */
  restart: () => Promise<void>;
  stop: () => Promise<void>;
};

export const startCrashPostgres = async (): Promise<CrashPostgres> => {
  const folder = mkdtempSync(join(tmpdir(), 'movie-ticketing-crash-'));
  chmodSync(folder, 0o755); // as root, PostgreSQL runs as another user
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
      await server.stop(); // no process is left; this releases the data folder
    },
    restart: async () => {
      server = await start();
      if (server.url !== url) throw new Error('the database restarted at another address');
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
  // The postmaster first: it would restart the others or shut down in order.
  signal(postmaster);
  await until('no process of PostgreSQL is left', () => {
    const left = processesIn(clusterDir);
    left.forEach(signal);
    return left.length === 0 ? true : undefined;
  });
};

const signal = (pid: number): void => {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended.
  }
};

/** The working directory of every PostgreSQL process is its data folder. */
const processesIn = (clusterDir: string): number[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        return readlinkSync(`/proc/${String(pid)}/cwd`) === clusterDir;
      } catch {
        return false; // it has ended
      }
    });
