import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { describe, expect, test } from '@jest/globals';
import { makeCatalogService } from '@movie-ticketing/catalog/catalog.composition';
import { catalogEnvironment } from '@movie-ticketing/catalog/catalog.environment';
import { startEmbeddedPostgres } from '@movie-ticketing/embedded-postgres/embedded-postgres';
import { parseEnvironment } from '@movie-ticketing/kit/config';
import { Registry } from '@movie-ticketing/kit/metrics';
import { silentLogger, startTestServer, type Api } from '@movie-ticketing/kit/testing/api';
import { migrate } from '@movie-ticketing/migrations/migrate';
import { makeUsersProcess } from '@movie-ticketing/users/users.composition';
import { usersEnvironment } from '@movie-ticketing/users/users.environment';
import { parse } from 'yaml';

import { examples } from '../src/api-examples.ts';

type Parameters = Record<string, string>;

/** `postgres -c name=value ...` in compose.yaml. */
const composeParameters = (): Parameters => {
  const file = readFileSync(new URL('../../../compose.yaml', import.meta.url), 'utf8');
  const { services } = parse(file) as { services: { postgres: { command: string[] } } };
  const [program, ...args] = services.postgres.command;
  expect(program).toBe('postgres');
  const settings = args.filter((_arg, index) => index % 2 === 1);
  return Object.fromEntries(settings.map((setting) => setting.split('=') as [string, string]));
};

/** Users and catalog on a PostgreSQL with these parameters. */
const withSystem = async (
  parameters: Parameters,
  work: (system: { api: Api; adminToken: string; log: () => string }) => Promise<void>,
): Promise<void> => {
  const folder = mkdtempSync(join(tmpdir(), 'movie-ticketing-log-'));
  chmodSync(folder, 0o755); // PostgreSQL runs as another user if this one is root
  const dataDir = join(folder, 'data');
  // The embedded server logs no errors; others do by default.
  const postgres = await startEmbeddedPostgres({
    dataDir,
    durable: false,
    parameters: { log_min_messages: 'warning', ...parameters },
  });
  await migrate({ databaseUrl: postgres.url });
  const common = { databaseUrl: postgres.url, logger: silentLogger, registry: new Registry() };
  const environment = parseEnvironment(usersEnvironment, { BCRYPT_COST: '4' });
  const users = await makeUsersProcess({ ...common, environment });
  const catalog = makeCatalogService({
    ...common,
    environment: parseEnvironment(catalogEnvironment, {}),
    jwks: users.jwks,
  });
  const server = await startTestServer([users, catalog]);
  const admin = { email: 'admin@example.com', password: 'correct horse' };
  await users.ensureAdmin(admin);
  const { body } = await server.api('POST', '/users/login', { body: admin });
  try {
    await work({
      api: server.api,
      adminToken: (body as { access_token: string }).access_token,
      log: () => readFileSync(join(dataDir, 'postgres.log'), 'utf8'),
    });
  } finally {
    await server.stop();
    await postgres.stop();
    rmSync(folder, { recursive: true, force: true });
  }
};

const email = 'ada.in.the.log@example.com';
const key = 'an-idempotency-key-in-the-log';

/** Makes PostgreSQL refuse a second e-mail address and a second key, and returns its log. */
const logAfterConflicts = async (parameters: Parameters): Promise<string> => {
  let found = '';
  await withSystem(parameters, async ({ api, adminToken, log }) => {
    const register = () =>
      api('POST', '/users/register', { body: { email, password: 'correct horse' } });
    expect((await register()).status).toBe(201);
    expect((await register()).status).toBe(409);
    // Only repeats at the same time meet at the constraint; later ones read the stored response.
    for (let round = 0; !log().includes('catalog_idempotency_keys_pkey'); round += 1) {
      expect(round).toBeLessThan(100);
      const repeated = {
        token: adminToken,
        body: examples['createMovie'],
        key: `${key}-${String(round)}`,
      };
      await Promise.all(Array.from({ length: 8 }, () => api('POST', '/movies', repeated)));
    }
    found = log();
  });
  return found;
};

describe("PostgreSQL's log after a duplicate registration and a repeated Idempotency-Key", () => {
  test('contains the address and the key with default parameters (control)', async () => {
    const log = await logAfterConflicts({});
    expect(log).toContain(email);
    expect(log).toContain(key);
  });

  test('contains the errors and neither of them with the parameters of compose.yaml', async () => {
    const log = await logAfterConflicts(composeParameters());
    expect(log).toContain('unique constraint "users_canonical_email_key"');
    expect(log).toContain('unique constraint "catalog_idempotency_keys_pkey"');
    expect(log).not.toContain('ada.in.the.log');
    expect(log).not.toContain(key);
  });
});
