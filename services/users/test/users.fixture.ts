import { parseEnvironment } from '@movie-ticketing/kit/config';
import { makeDatabase, type Database } from '@movie-ticketing/kit/database';
import type { Logger } from '@movie-ticketing/kit/logging';
import { Registry } from '@movie-ticketing/kit/metrics';
import { silentLogger, startTestServer, type Api } from '@movie-ticketing/kit/testing/api';
import { createTestDatabase } from '@movie-ticketing/kit/testing/database';

import type { Bcrypt } from '../src/passwords/passwords.ts';
import { makeUsersProcess, type UsersProcess } from '../src/users.composition.ts';
import { usersEnvironment } from '../src/users.environment.ts';

export type UsersFixture = {
  api: Api;
  service: UsersProcess;
  registry: Registry;
  databaseUrl: string;
  /** The database's owner, to whom no grant applies. */
  owner: Database;
  sql: Database['query'];
  /** Another process of the service on the same database. */
  another: () => Promise<{ api: Api; service: UsersProcess }>;
  stop: () => Promise<void>;
};

export type SignedInBody = {
  user: { id: number; email: string; role: string; created_at: string };
  access_token: string;
  refresh_token: string;
};

/** A pool of the database's owner. */
export const makeOwner = (url: string): Database =>
  makeDatabase({ url, poolSize: 3, logger: silentLogger, applicationName: 'test' });

/** Resolves once `count` callers have arrived. */
export const makeBarrier = (count: number): (() => Promise<void>) => {
  const arrived = Promise.withResolvers<undefined>();
  let callers = 0;
  return async () => {
    callers += 1;
    if (callers === count) arrived.resolve(undefined);
    await arrived.promise;
  };
};

export const startUsers = async (
  options: { env?: Record<string, string>; bcrypt?: Bcrypt; logger?: Logger } = {},
): Promise<UsersFixture> => {
  const database = await createTestDatabase();
  const owner = makeOwner(database.url);
  const stops: (() => Promise<void>)[] = [];
  const start = async () => {
    const registry = new Registry();
    const service = await makeUsersProcess({
      databaseUrl: database.url,
      environment: parseEnvironment(usersEnvironment, { BCRYPT_COST: '4', ...options.env }),
      logger: options.logger ?? silentLogger,
      registry,
      ...(options.bcrypt === undefined ? {} : { bcrypt: options.bcrypt }),
    });
    // Behind one proxy: a test chooses its client address with X-Forwarded-For.
    const server = await startTestServer([service], undefined, { trustedHops: 1 });
    stops.push(server.stop);
    return { api: server.api, service, registry };
  };
  return {
    ...(await start()),
    databaseUrl: database.url,
    owner,
    sql: owner.query,
    another: start,
    stop: async () => {
      await Promise.all(stops.map((stop) => stop()));
      await owner.close();
      await database.drop();
    },
  };
};

let emails = 0;

/** An e-mail address that no other test of the file uses. */
export const anEmail = (): string => `user-${String((emails += 1))}@example.com`;

export const password = 'correct horse';

export const register = async (api: Api, email = anEmail()): Promise<SignedInBody> => {
  const { status, body } = await api('POST', '/users/register', { body: { email, password } });
  if (status !== 201) throw new Error(`register responded ${String(status)}`);
  return body as SignedInBody;
};

export const login = (api: Api, email: string, entered = password) =>
  api('POST', '/users/login', { body: { email, password: entered } });

export const refresh = (api: Api, refreshToken: string) =>
  api('POST', '/users/refresh', { body: { refresh_token: refreshToken } });

/** A user with the role admin, in the database and in the access token. */
export const anAdmin = async (fixture: UsersFixture): Promise<SignedInBody> => {
  const { user, refresh_token } = await register(fixture.api);
  await fixture.sql(`UPDATE users SET role = 'admin' WHERE id = $1`, [user.id]);
  return (await refresh(fixture.api, refresh_token)).body as SignedInBody;
};
