import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

import { makeDatabase, type Database } from '../src/database.ts';
import { hashRequest, withIdempotency } from '../src/idempotency.ts';
import { silentLogger } from '../testing/api.ts';
import { createTestDatabase } from '../testing/database.ts';

describe('stored responses', () => {
  let db: Database;
  let drop: () => Promise<void>;
  beforeAll(async () => {
    const database = await createTestDatabase();
    drop = database.drop;
    db = makeDatabase({
      url: database.url,
      poolSize: 2,
      logger: silentLogger,
      applicationName: 'test',
    });
  });
  afterAll(async () => {
    await db.close();
    await drop();
  });

  const request = { userId: 1, scope: 'POST /movies', requestHash: hashRequest({ title: 'M' }) };
  const run = (key: string, response: Parameters<typeof withIdempotency>[3]) =>
    withIdempotency(db, 'catalog_idempotency_keys', { ...request, key }, response);

  test('a replay has the status, the headers and the body of the first response', async () => {
    const first = {
      status: 201,
      headers: { Location: '/movies/7', ETag: '"a \\" b"' },
      body: { movie: { id: 7 } },
    };
    expect(await run('with-headers', () => Promise.resolve(first))).toEqual(first);
    const again = await run('with-headers', () => Promise.reject(new Error('ran twice')));
    expect(again).toEqual({
      status: 201,
      headers: { ...first.headers, 'Idempotent-Replayed': 'true' },
      json: '{"movie":{"id":7}}',
    });
  });

  test('a replay of a response without headers or body has neither', async () => {
    await run('empty', () => Promise.resolve({ status: 204 }));
    expect(await run('empty', () => Promise.reject(new Error('ran twice')))).toEqual({
      status: 204,
      headers: { 'Idempotent-Replayed': 'true' },
    });
  });

  test('another body with the same key is refused', async () => {
    await run('reused', () => Promise.resolve({ status: 201, body: {} }));
    const other = { ...request, key: 'reused', requestHash: hashRequest({ title: 'N' }) };
    await expect(
      withIdempotency(db, 'catalog_idempotency_keys', other, () => Promise.resolve(first)),
    ).rejects.toMatchObject({ code: 'idempotency_key_reused' });
  });

  const first = { status: 201 };
});
