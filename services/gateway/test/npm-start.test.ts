import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, connect, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { makeDatabase } from '@movie-ticketing/kit/database';
import { makeApi, silentLogger } from '@movie-ticketing/kit/testing/api';
import { createTestDatabase } from '@movie-ticketing/kit/testing/database';
import { afterAll, afterEach, describe, expect, test } from '@jest/globals';

import { startProcess, type StartedProcess } from '../testing/started-process.ts';

const folder = mkdtempSync(join(tmpdir(), 'movie-ticketing-start-'));
const started: StartedProcess[] = [];

const start = (...args: Parameters<typeof startProcess>): StartedProcess => {
  const made = startProcess(...args);
  started.push(made);
  return made;
};

afterEach(async () => {
  for (const { child, exited } of started.splice(0)) {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
    await exited;
  }
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** Whether anything listens on the port of the Postgres that keeps this folder. */
const postgresListens = (dataDir: string): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(
      Number(readFileSync(join(dataDir, 'postgres.port'), 'utf8')),
      '127.0.0.1',
    );
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => {
      resolve(false);
    });
  });

const signIn = async (url: string, email: string, password: string): Promise<string> => {
  const { status, body } = await makeApi(url)('POST', '/users/login', {
    body: { email, password },
  });
  expect([email, status]).toEqual([email, 200]);
  return body.access_token;
};

const freePort = async (): Promise<{ port: number; close: () => Promise<void> }> => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    port,
    close: () =>
      new Promise((resolve) =>
        server.close(() => {
          resolve();
        }),
      ),
  };
};

describe('npm start on an empty folder', () => {
  const dataDir = join(folder, 'kept');
  let keys: unknown;

  test('serves the seeded data; SIGTERM stops the server and the database', async () => {
    const server = start({ DATA_DIR: dataDir });
    const { url, managementUrl } = await server.ready;
    const api = makeApi(url);
    expect(server.output()).toMatch(/customer +alice@example\.com +popcorn-alice/);
    expect(server.output()).toMatch(/admin +admin@example\.com +\S{20,} +\(generated/);
    expect(server.output()).toContain(`${url}/docs`);
    expect((await fetch(`${managementUrl}/readyz`)).status).toBe(200);

    const screening = Number(/"screening_id": (\d+)/.exec(server.output())?.[1]);
    const token = await signIn(url, 'alice@example.com', 'popcorn-alice');
    const booked = await api('POST', '/bookings', {
      token,
      body: { screening_id: screening, num_tickets: 2 },
    });
    expect(booked.status).toBe(201);
    const paid = await api('POST', '/payments', {
      token,
      body: { booking_id: booked.body.booking.id },
    });
    expect([paid.status, paid.body.payment.status]).toEqual([200, 'succeeded']);
    keys = (await api('GET', '/.well-known/jwks.json')).body;
    expect(await postgresListens(dataDir)).toBe(true);

    const stopping = performance.now();
    server.child.kill('SIGTERM');
    expect((await server.exited).code).toBe(0);
    expect(performance.now() - stopping).toBeLessThan(10_000);
    expect(await postgresListens(dataDir)).toBe(false);
  }, 400_000);

  test('keeps data and signing keys over a restart through npm; Ctrl-C stops everything', async () => {
    const server = start({ DATA_DIR: dataDir }, { npm: true });
    const { url } = await server.ready;
    const api = makeApi(url);
    expect((await api('GET', '/.well-known/jwks.json')).body).toEqual(keys);
    const token = await signIn(url, 'alice@example.com', 'popcorn-alice');
    const { body } = await api('GET', '/bookings', { token });
    expect(body.bookings).toMatchObject([{ num_tickets: 2, status: 'confirmed' }]);
    expect(server.output()).not.toMatch(/shown only once/);

    // As a terminal does it: every process of the group at once, npm passes it on besides.
    const stopping = performance.now();
    process.kill(-Number(server.child.pid), 'SIGINT');
    await server.exited;
    expect(performance.now() - stopping).toBeLessThan(10_000);
    await expect(fetch(`${url}/ping`)).rejects.toThrow();
    expect(await postgresListens(dataDir)).toBe(false);
  }, 400_000);

  test('a second server on the same folder exits with an error and the first keeps running', async () => {
    const first = start({ DATA_DIR: dataDir });
    const { url } = await first.ready;
    const second = start({ DATA_DIR: dataDir });
    expect((await second.exited).code).toBe(1);
    expect(second.output()).toContain(dataDir);
    expect(second.output()).not.toMatch(/\n +at /);
    expect((await fetch(`${url}/screenings?limit=1`)).status).toBe(200);
  }, 400_000);

  test('names a port that is in use and stops the database it started', async () => {
    const other = await freePort();
    const server = start({ DATA_DIR: dataDir, PORT: String(other.port) });
    expect((await server.exited).code).toBe(1);
    expect(server.output()).toContain(String(other.port));
    expect(server.output()).toMatch(/Set PORT or MANAGEMENT_PORT/);
    expect(await postgresListens(dataDir)).toBe(false);
    await other.close();
  }, 400_000);
});

describe('its environment', () => {
  test.each([
    ['PORT', 'eighty'],
    ['MANAGEMENT_PORT', '70000'],
    ['LOG_LEVEL', 'loud'],
    ['SEED', 'everything'],
    ['HOLD_MINUTES', '-1'],
    ['CURRENCY', 'dollars'],
    ['BCRYPT_COST', '99'],
    ['CORS_ORIGINS', 'not an origin'],
    ['TRUST_PROXY', 'yes'],
    ['RATE_LIMITS', 'maybe'],
    ['ADMIN_EMAIL', 'not an address'],
    ['ADMIN_PASSWORD', 'short'],
    ['DATABASE_URL', 'mysql://root:secret@x/y'],
    ['OTEL_EXPORTER_OTLP_ENDPOINT', 'collector'],
  ])('an invalid %s is named, and the exit code is 2', async (name, value) => {
    const dataDir = join(folder, 'never');
    const server = start({ DATA_DIR: dataDir, [name]: value });
    expect((await server.exited).code).toBe(2);
    expect(server.output()).toMatch(new RegExp(`^${name} must `, 'm'));
    expect(server.output()).not.toContain('secret');
    expect(server.output().trim().split('\n')).toHaveLength(1);
    expect(existsSync(dataDir)).toBe(false);
  });

  test('DATABASE_URL starts no embedded PostgreSQL; SEED=none creates only the admin', async () => {
    const database = await createTestDatabase({ empty: true });
    const dataDir = join(folder, 'never');
    const server = start({
      DATABASE_URL: database.url,
      DATA_DIR: dataDir,
      SEED: 'none',
      ADMIN_EMAIL: 'boss@example.com',
      ADMIN_PASSWORD: 'a password of their own',
    });
    const { url } = await server.ready;
    expect(existsSync(dataDir)).toBe(false);
    expect(server.output()).not.toContain('a password of their own');
    const token = await signIn(url, 'boss@example.com', 'a password of their own');
    const { body } = await makeApi(url)('GET', '/users', { token });
    expect(body.users).toMatchObject([{ email: 'boss@example.com', role: 'admin' }]);
    expect((await makeApi(url)('GET', '/movies')).body.movies).toEqual([]);
    server.child.kill('SIGTERM');
    expect((await server.exited).code).toBe(0);
    await database.drop();
  }, 300_000);

  test('CURRENCY that differs from the prices in the database is refused with exit code 2', async () => {
    const database = await createTestDatabase();
    const db = makeDatabase({
      url: database.url,
      poolSize: 1,
      logger: silentLogger,
      applicationName: 'test',
    });
    await db.query(`INSERT INTO movies (title, title_folded, description, duration_minutes, price_minor, currency, start_date, end_date)
   VALUES ('Old', 'old', '', 90, 1000, 'USD', '2027-01-01', '2027-02-01')`);
    await db.close();
    const server = start({ DATABASE_URL: database.url, CURRENCY: 'EUR' });
    expect((await server.exited).code).toBe(2);
    expect(server.output()).toMatch(/^CURRENCY is EUR, but the database has prices in USD: /m);
    expect(server.output()).not.toMatch(/\n +at /);
    await database.drop();
  }, 300_000);

  test('reports an unreachable database without its password', async () => {
    const { port, close } = await freePort();
    await close();
    const server = start({ DATABASE_URL: `postgres://mt:hush@127.0.0.1:${String(port)}/x` });
    expect((await server.exited).code).toBe(1);
    expect(server.output()).toMatch(/cannot connect/i);
    expect(server.output()).not.toContain('hush');
  }, 300_000);
});
