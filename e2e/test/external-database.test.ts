import { afterAll, beforeAll, expect, test } from '@jest/globals';

import { audit } from '../testing/audit.ts';
import { apply, get, patch } from '../testing/kubectl.ts';
import { startExternalPostgres } from '../testing/external-postgres.ts';
import { ensureCinema } from '../testing/shared-cinema.ts';
import { buyTicket } from '../testing/customer.ts';
import { makeNamespace, makeTicketing, smallSpec, type Ticketing } from '../testing/ticketing.ts';

const external = makeTicketing('e2e-external', 'tickets', 30_085);
const restricted = makeTicketing('e2e-dba', 'tickets', 30_090);
let owner: Ticketing;

beforeAll(async () => {
  owner = await ensureCinema();
  await makeNamespace(external.namespace);
  await makeNamespace(restricted.namespace);
});

afterAll(() => Promise.all([external.remove(), restricted.remove()]));

const decoded = (data: Record<string, string>, key: string): string =>
  Buffer.from(data[key] ?? '', 'base64').toString();

/** From now on the host name `db` leads to the PostgreSQL of the other resource. */
const openDatabase = (): Promise<void> =>
  apply({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'db', namespace: external.namespace },
    spec: {
      type: 'ExternalName',
      externalName: `${owner.name}-postgres.${owner.namespace}.svc.cluster.local`,
    },
  });

test('reports an unreachable external database, and installs when it is reachable', async () => {
  const secret = await get(owner.namespace, 'secret', `${owner.name}-database`);
  const data = secret?.['data'] as Record<string, string>;
  await apply({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'login', namespace: external.namespace },
    stringData: { username: decoded(data, 'username'), password: decoded(data, 'password') },
  });
  const { database: _, ...spec } = smallSpec(30_085) as { database: object };
  await external.apply({
    ...spec,
    version: (await owner.read())['status'].version,
    database: {
      external: {
        host: 'db',
        // The database of the other resource: both serve the same data.
        name: 'movie_ticketing',
        sslMode: 'disable',
        credentialsSecretRef: { name: 'login' },
      },
    },
  });
  const { reason, message } = await external.condition('DatabaseReady', 'False', /./, 90);
  console.log(`${reason}: ${message}`);
  await external.condition('Ready', 'False', /database|migrat|connect|resolve|ENOTFOUND/i, 90);

  await openDatabase();
  await external.ready(240);
  await buyTicket(external.url);
});

const unencryptedConnections = `
  SELECT count(*) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE usename = 'app' AND NOT ssl`;

test('sells tickets over verified TLS, and reports it, where the login cannot create roles, and uses the roles that a DBA creates later', async () => {
  const postgres = await startExternalPostgres(restricted.namespace);
  await postgres.asDba(`CREATE ROLE app LOGIN PASSWORD 'of-the-app'`);
  await postgres.asDba('CREATE DATABASE tickets OWNER app');
  await apply({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'login', namespace: restricted.namespace },
    stringData: { username: 'app', password: 'of-the-app' },
  });
  await apply({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'authority', namespace: restricted.namespace },
    data: { 'ca.crt': postgres.certificate },
  });
  const { database: _, ...spec } = smallSpec(30_090) as { database: object };
  await restricted.apply({
    ...spec,
    version: (await owner.read())['status'].version,
    database: {
      external: {
        host: postgres.host,
        name: 'tickets',
        sslMode: 'verify-full',
        sslRootCert: { configMapKeyRef: { name: 'authority' } },
        credentialsSecretRef: { name: 'login' },
      },
    },
  });
  await restricted.ready(240);
  const applied = await restricted.condition(
    'MigrationsApplied',
    'True',
    /run as the login "app" itself/,
  );
  console.log(applied.message);
  await restricted.condition('Degraded', 'False');
  await buyTicket(restricted.url);
  expect(await audit(restricted)).toMatchObject({ holds: true });
  expect(await postgres.asDba(unencryptedConnections)).toBe('0\n');

  const roles = ['mt_catalog', 'mt_users', 'mt_bookings', 'mt_seed', 'mt_backup'];
  await postgres.asDba(roles.map((role) => `CREATE ROLE ${role}`).join('; '));
  await postgres.asDba(`GRANT ${roles.join(', ')} TO app`);
  await patch(restricted.namespace, 'secret', 'login', { stringData: { roles: 'made' } });
  const withoutNotice = /^MigrationsApplied The database has the migrations of \S+\.$/;
  await restricted.condition('MigrationsApplied', 'True', withoutNotice);
  expect(await postgres.asDba('SELECT count(*) FROM roleless_logins', 'tickets')).toBe('0\n');
  await restricted.ready(120);
  await buyTicket(restricted.url);
});
