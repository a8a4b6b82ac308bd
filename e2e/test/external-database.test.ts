import { afterAll, beforeAll, test } from '@jest/globals';

import { apply, get } from '../testing/kubectl.ts';
import { ensureShop } from '../testing/shared-shop.ts';
import { buyTicket } from '../testing/shop.ts';
import { makeNamespace, smallSpec, ticketing, type Ticketing } from '../testing/ticketing.ts';

const tenant = ticketing('e2e-external', 'tickets', 30_085);
let lender: Ticketing;

beforeAll(async () => {
  lender = await ensureShop();
  await makeNamespace(tenant.namespace);
});

afterAll(() => tenant.remove());

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
