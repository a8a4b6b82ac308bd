import { afterAll, beforeAll, expect, test } from '@jest/globals';

import { get, kubectl, list, patch } from '../testing/kubectl.ts';
import { startLoad, stopLoads } from '../testing/load.ts';
import { operatorNamespace } from '../testing/operator.ts';
import { ensureCinema } from '../testing/shared-cinema.ts';
import type { Ticketing } from '../testing/ticketing.ts';
import { secondsSince, waitFor } from '../testing/waiting.ts';

let cinema: Ticketing;

beforeAll(async () => {
  cinema = await ensureCinema();
});

afterAll(stopLoads);

const psql = async (sql: string): Promise<string[]> => {
  const pod = `${cinema.name}-postgres-0`;
  const command = ['psql', '-U', 'postgres', '-d', 'movie_ticketing', '-Atc', sql];
  const output = await kubectl(['exec', '-n', cinema.namespace, pod, '--', ...command]);
  return output.split('\n').filter(Boolean).sort();
};

/** Who is signed in to the database, but for PostgreSQL's own processes and psql. */
const sessions = (): Promise<string[]> =>
  psql(
    "SELECT DISTINCT usename FROM pg_stat_activity WHERE application_name LIKE 'movie-ticketing-%'",
  );

const openLogins = (): Promise<string[]> =>
  psql("SELECT rolname FROM pg_roles WHERE rolcanlogin AND rolname LIKE 'mt\\_%'");

const rotationOf = async (): Promise<{ state: string; setAt: string } | undefined> =>
  (await cinema.read())['status']?.rotation?.databasePasswords;

const loginsWith = (suffix: string): string[] =>
  ['backup', 'bookings', 'catalog', 'seed', 'users'].map((program) => `mt_${program}_${suffix}`);

test('no service is a superuser of the database, or its owner', async () => {
  await waitFor('sessions', async () => (await sessions()).length === 3, { seen: sessions });
  expect(await sessions()).toEqual(['mt_bookings_a', 'mt_catalog_a', 'mt_users_a']);
  expect(
    await psql("SELECT rolname FROM pg_roles WHERE rolsuper AND rolname LIKE 'mt\\_%'"),
  ).toEqual([]);
});

test('rotates the passwords under load while the operator is killed at each step, and no request fails', async () => {
  const load = await startLoad(cinema.url);
  await waitFor('load', () => Promise.resolve(load.answered() > 100));
  const before = await get(cinema.namespace, 'secret', `${cinema.name}-logins`);
  const started = performance.now();
  await patch(cinema.namespace, 'mt', cinema.name, {
    metadata: {
      annotations: {
        'movieticketing.io/rotate-database-passwords': new Date().toISOString(),
      },
    },
  });
  for (const state of ['opening', 'closing', 'steady']) {
    await waitFor(`the state ${state}`, async () => (await rotationOf())?.state === state, {
      seconds: 180,
      seen: rotationOf,
    });
    console.log(`${state} after ${secondsSince(started)}`);
    await kubectl(['delete', 'pod', '-n', operatorNamespace, '--all', '--force', '--wait=false']);
  }
  await waitFor(
    'the former logins are closed',
    async () => (await openLogins()).length === loginsWith('b').length,
    {
      seconds: 120,
      seen: openLogins,
    },
  );
  await cinema.ready();
  console.log(`rotated in ${secondsSince(started)}`);
  const { requests, failed, longestGapMs } = await load.stop();
  console.log(
    `${String(requests)} requests, ${String(failed.length)} failed, longest gap ${longestGapMs.toFixed(0)} ms`,
  );
  expect(failed).toEqual([]);
  expect(await openLogins()).toEqual(loginsWith('b'));
  expect(await sessions()).toEqual(['mt_bookings_b', 'mt_catalog_b', 'mt_users_b']);
  const after = await get(cinema.namespace, 'secret', `${cinema.name}-logins`);
  expect(after?.['data']['users-password']).not.toBe(before?.['data']['users-password']);
  const pods = await list(cinema.namespace, 'pods');
  expect(JSON.stringify(pods)).not.toContain(after?.['data']['users-password']);
});
