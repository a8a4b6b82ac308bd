import { afterAll, beforeAll, expect, test } from '@jest/globals';

import { audit } from '../testing/audit.ts';
import { apply, get, patch } from '../testing/kubectl.ts';
import { startOthersPostgres } from '../testing/others-postgres.ts';
import { ensureShop } from '../testing/shared-shop.ts';
import { buyTicket } from '../testing/shop.ts';
import { makeNamespace, smallSpec, ticketing, type Ticketing } from '../testing/ticketing.ts';

const tenant = ticketing('e2e-external', 'tickets', 30_085);
const guest = ticketing('e2e-dba', 'tickets', 30_090);
let lender: Ticketing;

beforeAll(async () => {
  lender = await ensureShop();
  await makeNamespace(tenant.namespace);
  await makeNamespace(guest.namespace);
});

afterAll(() => Promise.all([tenant.remove(), guest.remove()]));

const decoded = (data: Record<string, string>, key: string): string =>
  Buffer.from(data[key] ?? '', 'base64').toString();

/** The address `db` leads to the lender's Postgres from now on. */
const openDatabase = (): Promise<void> =>
  apply({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'db', namespace: tenant.namespace },
    spec: {
      type: 'ExternalName',
      externalName: `${lender.name}-postgres.${lender.namespace}.svc.cluster.local`,
    },
  });

test('when the external database is not there, then a condition says so; when it comes, then the install goes on', async () => {
  const secret = await get(lender.namespace, 'secret', `${lender.name}-database`);
  const data = secret?.['data'] as Record<string, string>;
  await apply({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'login', namespace: tenant.namespace },
    stringData: { username: decoded(data, 'username'), password: decoded(data, 'password') },
  });
  const { database: _, ...spec } = smallSpec(30_085) as { database: object };
  await tenant.apply({
    ...spec,
    version: (await lender.read())['status'].version,
    database: {
      external: {
        host: 'db',
        // The one the lender runs on: two front ends of one shop.
        name: 'movie_ticketing',
        sslMode: 'disable',
        credentialsSecretRef: { name: 'login' },
      },
    },
  });
  const { reason, message } = await tenant.condition('DatabaseReady', 'False', /./, 90);
  console.log(`${reason}: ${message}`);
  await tenant.condition('Ready', 'False', /database|migrat|connect|resolve|ENOTFOUND/i, 90);

  await openDatabase();
  await tenant.ready(240);
  await buyTicket(tenant.url);
});

test('when the login may neither make roles nor take any, then tickets are sold and that is said; when a DBA makes them, then the services take them', async () => {
  const postgres = await startOthersPostgres(guest.namespace);
  await postgres.asDba(`CREATE ROLE app LOGIN PASSWORD 'of-the-app'`);
  await postgres.asDba('CREATE DATABASE tickets OWNER app');
  await apply({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'login', namespace: guest.namespace },
    stringData: { username: 'app', password: 'of-the-app' },
  });
  const { database: _, ...spec } = smallSpec(30_090) as { database: object };
  await guest.apply({
    ...spec,
    version: (await lender.read())['status'].version,
    database: {
      external: {
        host: postgres.host,
        name: 'tickets',
        sslMode: 'disable',
        credentialsSecretRef: { name: 'login' },
      },
    },
  });
  await guest.ready(240);
  const said = await guest.condition('MigrationsApplied', 'True', /run as the login "app" itself/);
  console.log(said.message);
  await guest.condition('Degraded', 'False');
  await buyTicket(guest.url);
  expect(await audit(guest)).toMatchObject({ holds: true });

  await postgres.asDba('CREATE ROLE mt_catalog; CREATE ROLE mt_users; CREATE ROLE mt_bookings');
  await postgres.asDba('GRANT mt_catalog, mt_users, mt_bookings TO app');
  await patch(guest.namespace, 'secret', 'login', { stringData: { roles: 'made' } });
  const alone = /^MigrationsApplied The database has the migrations of \S+\.$/; // and nothing more
  await guest.condition('MigrationsApplied', 'True', alone);
  expect(await postgres.asDba('SELECT count(*) FROM roleless_logins', 'tickets')).toBe('0\n');
  await guest.ready(120);
  await buyTicket(guest.url);
});
