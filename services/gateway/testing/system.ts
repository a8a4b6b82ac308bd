import { randomUUID } from 'node:crypto';

import { parseEnvironment } from '@movie-ticketing/kit/config';
import { makeLogger } from '@movie-ticketing/kit/logging';
import { makeRegistry, type Registry } from '@movie-ticketing/kit/metrics';
import type { OpenApiDocument } from '@movie-ticketing/kit/openapi';
import { serve } from '@movie-ticketing/kit/service-process';
import { makeApi, type Api } from '@movie-ticketing/kit/testing/api';
import { createTestDatabase } from '@movie-ticketing/kit/testing/database';

import { makeAllServices } from '../src/all-services.ts';
import { gatewayEnvironment } from '../src/gateway.environment.ts';
import { makeOpenApiCheck, type OpenApiCheck } from './openapi-check.ts';

export type TestUser = {
  id: number;
  email: string;
  password: string;
  /** An access token. */
  token: string;
  refreshToken: string;
};

export type TestSystem = {
  url: string;
  managementUrl: string;
  /** Validates every response against the OpenAPI document. */
  api: Api;
  openApi: OpenApiCheck;
  document: OpenApiDocument;
  databaseUrl: string;
  registry: Registry;
  signUp: () => Promise<TestUser>;
  admin: TestUser;
  stop: () => Promise<void>;
};

export type TestSystemOptions = {
  /** Environment variables, which override the fast defaults of tests. */
  environment?: Record<string, string>;
  /** A database to share with other systems; it is not dropped at the end. */
  databaseUrl?: string;
};

const adminEmail = 'admin@example.com';
const adminPassword = 'the one who may do it all';

const fast = {
  HOST: '127.0.0.1',
  PORT: '0',
  MANAGEMENT_PORT: '0',
  LOG_LEVEL: 'silent',
  BCRYPT_COST: '4',
  RATE_LIMITS: 'off',
  SEED: 'none',
  DB_POOL_SIZE: '5',
  ADMIN_EMAIL: adminEmail,
  ADMIN_PASSWORD: adminPassword,
};

/** The whole system in this process, on free ports and a database of its own. */
export const startTestSystem = async (options: TestSystemOptions = {}): Promise<TestSystem> => {
  const environment = parseEnvironment(gatewayEnvironment, { ...fast, ...options.environment });
  const database =
    options.databaseUrl === undefined
      ? await createTestDatabase()
      : { url: options.databaseUrl, drop: () => Promise.resolve() };
  const logger = makeLogger({ service: 'test', level: environment.LOG_LEVEL });
  const registry = makeRegistry('test');
  const all = await makeAllServices({ databaseUrl: database.url, environment, logger, registry });
  await all.users.ensureAdmin({ email: adminEmail, password: adminPassword });
  const { services, pages } = all;
  const running = await serve({
    services,
    pages,
    environment,
    logger,
    registry,
    tracing: undefined,
  });
  const url = `http://127.0.0.1:${String(running.port)}`;
  const document = (await (await fetch(`${url}/openapi.json`)).json()) as OpenApiDocument;
  const openApi = makeOpenApiCheck(document);
  const api = makeApi(url, openApi.check);
  return {
    url,
    managementUrl: `http://127.0.0.1:${String(running.managementPort)}`,
    api,
    openApi,
    document,
    databaseUrl: database.url,
    registry,
    signUp: () =>
      signIn(api, 'register', { email: `${randomUUID()}@example.com`, password: 'open sesame' }),
    admin: await signIn(api, 'login', { email: adminEmail, password: adminPassword }),
    stop: async () => {
      await running.stop();
      await database.drop();
    },
  };
};

const signIn = async (
  api: Api,
  how: 'register' | 'login',
  credentials: { email: string; password: string },
): Promise<TestUser> => {
  const { status, body } = await api('POST', `/users/${how}`, { body: credentials });
  if (status >= 300) throw new Error(`${how} answered ${String(status)}: ${JSON.stringify(body)}`);
  return {
    id: body.user.id,
    ...credentials,
    token: body.access_token,
    refreshToken: body.refresh_token,
  };
};
