import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { lockDataFolder } from '@movie-ticketing/embedded-postgres/folder-lock';
import { stopLeftover } from '@movie-ticketing/embedded-postgres/server';
import { startEmbeddedPostgres } from '@movie-ticketing/embedded-postgres/embedded-postgres';
import { probeDocker } from './docker-probe.ts';

/** A server for the databases of this run; the user of `url` can create databases. */
export type TestPostgres = { url: string; chosen: string; stop(): Promise<void> };

const image = 'postgres:17';
const folderPrefix = 'movie-ticketing-test-';

// The data of tests is not kept, and two workers may each have several pools.
const parameters = {
  max_connections: '300',
  fsync: 'off',
  synchronous_commit: 'off',
  full_page_writes: 'off',
};

const startContainer = async (reaperImage: boolean): Promise<Omit<TestPostgres, 'chosen'>> => {
  // The image of the reaper would have to be pulled; the teardown stops the container instead.
  if (!reaperImage) process.env['TESTCONTAINERS_RYUK_DISABLED'] ??= 'true';
  const { GenericContainer, Wait } = await import('testcontainers');
  const settings = Object.entries(parameters).flatMap(([key, value]) => ['-c', `${key}=${value}`]);
  const container = await new GenericContainer(image)
    .withEnvironment({
      POSTGRES_PASSWORD: 'test',
      POSTGRES_INITDB_ARGS:
        '--encoding=UTF8 --locale=C --locale-provider=builtin --builtin-locale=C.UTF-8',
    })
    .withCommand(['postgres', ...settings])
    .withExposedPorts(5432)
    // The first time is the server of the image's setup.
    .withWaitStrategy(Wait.forLogMessage(/database system is ready to accept connections/, 2))
    .withStartupTimeout(60_000)
    .start();
  const at = `${container.getHost()}:${String(container.getMappedPort(5432))}`;
  return {
    url: `postgres://postgres:test@${at}/postgres`,
    stop: async () => {
      await container.stop({ timeout: 1000 });
    },
  };
};

/** Removes the servers and files that killed test runs left in the temporary folder. */
const sweepAbandoned = async (): Promise<void> => {
  for (const name of readdirSync(tmpdir()).filter((entry) => entry.startsWith(folderPrefix))) {
    const dataDir = join(tmpdir(), name);
    try {
      // A run that is just starting has its folder but not its lock yet.
      if (Date.now() - statSync(dataDir).mtimeMs < 60_000) continue;
      const lock = lockDataFolder(dataDir);
      await stopLeftover(join(dataDir, 'postgres'), () => undefined);
      lock.release();
      rmSync(dataDir, { recursive: true, force: true });
    } catch {
      // It is in use by another run, or belongs to another user.
    }
  }
};

const startEmbedded = async (): Promise<Omit<TestPostgres, 'chosen'>> => {
  await sweepAbandoned();
  const dataDir = mkdtempSync(join(tmpdir(), folderPrefix));
  const server = await startEmbeddedPostgres({ dataDir, durable: false, parameters });
  return {
    url: server.url,
    stop: async () => {
      await server.stop();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
};

/** DATABASE_URL if set, else a container if Docker and the image are available, else the embedded one. */
export const startTestPostgres = async (): Promise<TestPostgres> => {
  const given = process.env['DATABASE_URL'] ?? '';
  if (given !== '')
    return { url: given, chosen: 'DATABASE_URL (it is set)', stop: () => Promise.resolve() };
  const docker = await probeDocker(image);
  let why = docker.usable ? '' : docker.why;
  if (docker.usable) {
    try {
      const container = await startContainer(docker.reaperImage);
      return { ...container, chosen: `testcontainers (Docker has ${image})` };
    } catch (error) {
      why = `a container of ${image} did not start: ${(error as Error).message}`;
    }
  }
  return { ...(await startEmbedded()), chosen: `embedded (${why})` };
};
