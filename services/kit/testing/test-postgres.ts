import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { lockDataFolder } from '@movie-ticketing/embedded-postgres/folder-lock';
import { stopLeftover } from '@movie-ticketing/embedded-postgres/server';
import { startEmbeddedPostgres } from '@movie-ticketing/embedded-postgres/embedded-postgres';
import { probeDocker } from './docker-probe.ts';

/** A server for this run's databases; `url` is a superuser's or at least one's that may create them. */
export type TestPostgres = { url: string; chosen: string; stop(): Promise<void> };

const IMAGE = 'postgres:17';
const FOLDER = 'movie-ticketing-test-';

// Nobody keeps a test's data, and two workers may each hold several pools.
const PARAMETERS = {
  max_connections: '300',
  fsync: 'off',
  synchronous_commit: 'off',
  full_page_writes: 'off',
};

async function startContainer(reaperImage: boolean): Promise<Omit<TestPostgres, 'chosen'>> {
  // Its reaper would be pulled; the container is stopped by teardown instead.
  if (!reaperImage) process.env['TESTCONTAINERS_RYUK_DISABLED'] ??= 'true';
  const { GenericContainer, Wait } = await import('testcontainers');
  const settings = Object.entries(PARAMETERS).flatMap(([key, value]) => ['-c', `${key}=${value}`]);
  const container = await new GenericContainer(IMAGE)
    .withEnvironment({
      POSTGRES_PASSWORD: 'test',
      POSTGRES_INITDB_ARGS:
        '--encoding=UTF8 --locale=C --locale-provider=builtin --builtin-locale=C.UTF-8',
    })
    .withCommand(['postgres', ...settings])
    .withExposedPorts(5432)
    // Once for the server that the image's set-up uses, once for the real one.
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
}

/** What a test run that was killed left in the temporary folder: its server, its files. */
async function sweepAbandoned(): Promise<void> {
  for (const name of readdirSync(tmpdir()).filter((entry) => entry.startsWith(FOLDER))) {
    const dataDir = join(tmpdir(), name);
    try {
      // A run that begins at this moment has its folder and not yet its lock.
      if (Date.now() - statSync(dataDir).mtimeMs < 60_000) continue;
      const lock = lockDataFolder(dataDir);
      await stopLeftover(join(dataDir, 'postgres'), () => undefined);
      lock.release();
      rmSync(dataDir, { recursive: true, force: true });
    } catch {
      // In use by another run, or another user's.
    }
  }
}

async function startEmbedded(): Promise<Omit<TestPostgres, 'chosen'>> {
  await sweepAbandoned();
  const dataDir = mkdtempSync(join(tmpdir(), FOLDER));
  const server = await startEmbeddedPostgres({ dataDir, durable: false, parameters: PARAMETERS });
  return {
    url: server.url,
    stop: async () => {
      await server.stop();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

/** DATABASE_URL if set, else a container where Docker and the image are at hand, else embedded. */
export async function startTestPostgres(): Promise<TestPostgres> {
  const given = process.env['DATABASE_URL'] ?? '';
  if (given !== '')
    return { url: given, chosen: 'DATABASE_URL, since it is set', stop: () => Promise.resolve() };
  const docker = await probeDocker(IMAGE);
  let why = docker.usable ? '' : docker.why;
  if (docker.usable) {
    try {
      const container = await startContainer(docker.reaperImage);
      return { ...container, chosen: `testcontainers, since Docker and ${IMAGE} are here` };
    } catch (error) {
      why = `a container of ${IMAGE} did not start: ${(error as Error).message}`;
    }
  }
  return { ...(await startEmbedded()), chosen: `embedded, since ${why}` };
}
