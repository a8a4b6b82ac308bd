import { parseEnvironment } from '@movie-ticketing/kit/config';
import { makeDatabase, type Database } from '@movie-ticketing/kit/database';
import { Registry } from '@movie-ticketing/kit/metrics';
import { silentLogger, startTestServer, type Api } from '@movie-ticketing/kit/testing/api';
import { createTestDatabase } from '@movie-ticketing/kit/testing/database';

import type { Bcrypt } from '../src/passwords.ts';
import { makeUsersService, type UsersService } from '../src/users.composition.ts';
import { usersEnvironment } from '../src/users.environment.ts';

export type UsersFixture = {
  api: Api;
  service: UsersService;
  registry: Registry;
  databaseUrl: string;
  /** The database's owner, past every grant. */
  owner: Database;
  sql: Database['query'];
  /** Another process's worth of the service on the same database. */
  another: () => Promise<{ api: Api; service: UsersService }>;
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

/** Lets nobody past before all of them have come. */
export const makeBarrier = (count: number): (() => Promise<void>) => {
  const all = Promise.withResolvers<undefined>();
  let come = 0;
  return async () => {
    come += 1;
    if (come === count) all.resolve(undefined);
    await all.promise;
  };
};

export const startUsers = async (
  options: { env?: Record<string, string>; bcrypt?: Bcrypt } = {},
): Promise<UsersFixture> => {
  const database = await createTestDatabase();
  const owner = makeOwner(database.url);
  const stops: (() => Promise<void>)[] = [];
  const start = async () => {
    const registry = new Registry();
    const service = await makeUsersService({
      databaseUrl: database.url,
      environment: parseEnvironment(usersEnvironment, { BCRYPT_COST: '4', ...options.env }),
      logger: silentLogger,
      registry,
      ...(options.bcrypt === undefined ? {} : { bcrypt: options.bcrypt }),
    });
    const server = await startTestServer([service]);
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

let made = 0;

/** An e-mail that no other test of the file has. */
export const anEmail = (): string => `person-${String((made += 1))}@example.com`;

export const password = 'correct horse';

export const register = async (api: Api, email = anEmail()): Promise<SignedInBody> => {
  const { status, body } = await api('POST', '/users/register', { body: { email, password } });
  if (status !== 201) throw new Error(`registering answered ${String(status)}`);
  return body as SignedInBody;
};

export const login = (api: Api, email: string, given = password) =>
  api('POST', '/users/login', { body: { email, password: given } });

export const refresh = (api: Api, refreshToken: string) =>
  api('POST', '/users/refresh', { body: { refresh_token: refreshToken } });

/** Someone whose token says admin, as they do in the database. */
export const anAdmin = async (fixture: UsersFixture): Promise<SignedInBody> => {
  const { user, refresh_token } = await register(fixture.api);
  await fixture.sql(`UPDATE users SET role = 'admin' WHERE id = $1`, [user.id]);
  return (await refresh(fixture.api, refresh_token)).body as SignedInBody;
};
