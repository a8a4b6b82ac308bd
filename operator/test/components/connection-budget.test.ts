import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startEmbeddedPostgres } from '@movie-ticketing/embedded-postgres/embedded-postgres';
import fc from 'fast-check';
import { Client } from 'pg';

import {
  budgetOf,
  budgetProblem,
  connectionBudget,
  largestPool,
  mostPods,
  smallestPool,
} from '../../src/components/connection-budget.ts';
import type { MovieTicketingSpecInput } from '../../src/resource/movie-ticketing.schema.ts';
import { resourceOf } from '../../testing/example-resource.ts';

describe('the connection budget', () => {
  test('fits into what is available, or the smallest pools do not', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 200 }), fc.nat(2_000), (pods, available) => {
        const { pool, needed } = connectionBudget(pods, available);
        expect(pool).toBeGreaterThanOrEqual(smallestPool);
        expect(pool).toBeLessThanOrEqual(largestPool);
        expect(needed).toBe(pods * pool);
        if (needed > available) expect(pods * smallestPool).toBeGreaterThan(available);
        // No larger pool would fit.
        else if (pool < largestPool) expect(pods * (pool + 1)).toBeGreaterThan(available);
      }),
    );
  });

  test('counts the most pods of each service and one more during a roll-out', () => {
    const spec: MovieTicketingSpecInput = {
      services: {
        catalog: { replicas: 0 },
        users: { replicas: 3 },
        bookings: { replicas: 9, autoscaling: { minReplicas: 1, maxReplicas: 5 } },
      },
    };
    expect(mostPods(resourceOf(spec))).toBe(4 + 6);
  });

  test.each<[string, MovieTicketingSpecInput, number]>([
    ['300 connections unless set', {}, 289],
    [
      'the parameters of the spec',
      {
        database: {
          managed: { parameters: { max_connections: 60, superuser_reserved_connections: '5' } },
        },
      },
      47,
    ],
    [
      'maxConnections of an external database',
      {
        database: {
          external: { host: 'db', credentialsSecretRef: { name: 'login' }, maxConnections: 40 },
        },
      },
      32,
    ],
  ])('reads %s', (_, spec, available) => {
    expect(budgetOf(resourceOf(spec)).available).toBe(available);
  });

  test('says which number to change where not even the smallest pools fit', () => {
    const resource = resourceOf({
      database: { managed: { parameters: { max_connections: 20 } } },
      services: { bookings: { autoscaling: { maxReplicas: 10 } } },
    });
    // 9 connections for 3 + 3 + 11 pods, which need 34.
    expect(budgetProblem(resource)).toMatchObject({
      reason: 'ConnectionBudgetExceeded',
      message: expect.stringMatching(
        /has 9 connections .* 17 pods need 34, 2 each. Raise spec.database.managed.parameters.max_connections by at least 25 .* by 13 in all/,
      ),
    });
    const cured = resourceOf({
      database: { managed: { parameters: { max_connections: 45 } } },
      services: { bookings: { autoscaling: { maxReplicas: 10 } } },
    });
    expect(budgetProblem(cured)).toBeUndefined();
  });
});

describe('a PostgreSQL at its limit', () => {
  let folder: string;
  let server: Awaited<ReturnType<typeof startEmbeddedPostgres>>;
  let serverMaximum = 0;
  const open: Client[] = [];

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'budget-'));
    server = await startEmbeddedPostgres({ dataDir: join(folder, 'data'), durable: false });
    const admin = new Client({ connectionString: server.url });
    await admin.connect();
    await admin.query(`CREATE ROLE service LOGIN PASSWORD 'x'`);
    const found = await admin.query<{ max: string }>(
      `SELECT setting AS max FROM pg_settings WHERE name = 'max_connections'`,
    );
    serverMaximum = Number(found.rows[0]?.max);
    await admin.end();
  });
  afterAll(async () => {
    await Promise.all(open.map((client) => client.end()));
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const connect = async (): Promise<void> => {
    const url = new URL(server.url);
    [url.username, url.password] = ['service', 'x'];
    const client = new Client({ connectionString: url.href });
    client.on('error', () => undefined);
    await client.connect();
    open.push(client);
  };

  test('accepts every pool and every Job of the budget, and not many more (control)', async () => {
    const resource = resourceOf({
      database: { managed: { parameters: { max_connections: serverMaximum } } },
      services: { bookings: { autoscaling: { maxReplicas: 20 } } },
    });
    const { pool, needed, available = 0 } = budgetOf(resource);
    expect(pool).toBeLessThan(largestPool);
    const others = serverMaximum - 3 - available;
    for (let count = 0; count < needed + others; count += 1) await connect();
    const control = async (): Promise<void> => {
      for (let count = 0; count < mostPods(resource); count += 1) await connect();
    };
    await expect(control()).rejects.toMatchObject({ code: '53300' });
  });
});
