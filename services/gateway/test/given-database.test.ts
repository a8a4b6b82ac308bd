import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

import { makeApi } from '@movie-ticketing/kit/testing/api';
import {
  loginKinds,
  startDbaPostgres,
  type DbaPostgres,
  type LoginKind,
} from '@movie-ticketing/kit/testing/postgres-of-a-dba';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';

import { startProcess, type StartedProcess } from '../testing/started-process.ts';

const audit = join(import.meta.dirname, '../../bookings/src/audit.main.ts');

let postgres: DbaPostgres;
let server: StartedProcess | undefined;

beforeAll(async () => {
  postgres = await startDbaPostgres();
});

afterEach(async () => {
  server?.child.kill('SIGTERM');
  await server?.exited;
  await postgres.reset();
});

afterAll(() => postgres.stop());

/** Migrated, seeded, booked, paid and audited, all as the one login that was given. */
const useAll = async (databaseUrl: string): Promise<string> => {
  server = startProcess({ DATABASE_URL: databaseUrl, ADMIN_PASSWORD: 'a long enough one' });
  const { url } = await server.ready;
  const api = makeApi(url);
  const signedIn = await api('POST', '/users/login', {
    body: { email: 'alice@example.com', password: 'popcorn-alice' },
  });
  const token = signedIn.body.access_token as string;
  const screening_id = Number(/"screening_id": (\d+)/.exec(server.output())?.[1]);
  const booked = await api('POST', '/bookings', { token, body: { screening_id, num_tickets: 2 } });
  expect(booked.status).toBe(201);
  const body = { booking_id: booked.body.booking.id as number };
  expect(await api('POST', '/payments', { token, body })).toMatchObject({ status: 200 });
  const audited = spawnSync(process.execPath, [audit], {
    env: { DATABASE_URL: databaseUrl },
    encoding: 'utf8',
  });
  expect(audited).toMatchObject({ status: 0, stderr: '' });
  return server.output();
};

const asItself = /works as the database login itself/g;

test.each<[string, LoginKind, boolean]>([
  [loginKinds.superuser, 'superuser', true],
  [loginKinds.createrole, 'createrole', true],
  [loginKinds.granted, 'granted', true],
  [loginKinds.bare, 'bare', false],
  [loginKinds.outsider, 'outsider', false],
])(
  'sells tickets with the login %s, and reports services without a role',
  async (_, kind, separate) => {
    const { url } = await postgres.give(kind);
    const output = await useAll(url);
    expect(
      output.includes('Without roles of their own: backup, bookings, catalog, seed, users'),
    ).toBe(!separate);
    expect(output.match(asItself) ?? []).toHaveLength(separate ? 0 : 3);
  },
);
