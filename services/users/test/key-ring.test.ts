import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { makeDatabase, type Database } from '@movie-ticketing/kit/database';
import { silentLogger } from '@movie-ticketing/kit/testing/api';
import { createTestDatabase, type TestDatabase } from '@movie-ticketing/kit/testing/database';
import { makeTokenVerifier } from '@movie-ticketing/kit/tokens';

import { makeAccessTokens } from '../src/sessions/access-tokens.ts';
import { makeKeyRing, type KeyRing } from '../src/keys/key-ring.ts';
import { makeOwner } from './users.fixture.ts';

const day = 86_400_000;
const rules = { cacheMs: 300_000, tokenMs: 900_000, rotationMs: 30 * day };
const issuing = { issuer: 'movie-ticketing', audience: 'movie-ticketing' };

let database: TestDatabase;
let owner: Database;
let open: Database[] = [];

beforeEach(async () => {
  database = await createTestDatabase();
  owner = makeOwner(database.url);
});

afterEach(async () => {
  await Promise.all(open.map((db) => db.close()));
  open = [];
  await owner.close();
  await database.drop();
});

/** The key ring of a new process. */
const aRing = (readIntervalMs = 10_000): KeyRing => {
  const db = makeDatabase({
    url: database.url,
    role: 'mt_users',
    poolSize: 3,
    logger: silentLogger,
    applicationName: 'test',
  });
  open.push(db);
  return makeKeyRing({ db, rules, readIntervalMs });
};

const published = async (ring: KeyRing) => (await ring.published()).keys.map(({ kid }) => kid);

/** Lets time pass by moving the rows into the past. */
const passTime = (ms: number) =>
  owner.query(
    `UPDATE signing_keys SET created_at = created_at - $1::float8 * interval '1 ms',
            signs_from = signs_from - $1::float8 * interval '1 ms'`,
    [ms],
  );

const tokensOf = (ring: KeyRing) =>
  makeAccessTokens({ ...issuing, signing: ring.signing, lifetimeSeconds: 900 });

const verifierOf = (ring: KeyRing) =>
  makeTokenVerifier({ ...issuing, source: ring.published, cacheSeconds: 300 });

describe('the first key', () => {
  test('five processes that start at the same time create one key and sign with it', async () => {
    const rings = Array.from({ length: 5 }, aRing);
    await Promise.all(rings.map((ring) => ring.rotate()));
    const kids = await Promise.all(rings.map(async (ring) => (await ring.signing()).kid));
    expect(new Set(kids).size).toBe(1);
    expect(await published(aRing())).toEqual([kids[0]]);
  });

  test('a restarted process keeps the key and accepts earlier tokens', async () => {
    const before = aRing();
    await before.rotate();
    const token = await tokensOf(before).sign({ id: 7, role: 'staff' });
    const after = aRing();
    await after.rotate();
    expect((await after.signing()).kid).toBe((await before.signing()).kid);
    expect(await verifierOf(after).verify(token)).toEqual({ userId: 7, role: 'staff' });
  });

  test('publishes no private key material, and other services cannot read the table', async () => {
    const ring = aRing();
    await ring.rotate();
    expect((await ring.published()).keys).toEqual([
      {
        kty: 'OKP',
        crv: 'Ed25519',
        x: expect.any(String),
        kid: expect.any(String),
        alg: 'EdDSA',
        use: 'sig',
      },
    ]);
    for (const role of ['mt_catalog', 'mt_bookings']) {
      const reading = owner.transaction(async (tx) => {
        await tx.query(`SET LOCAL ROLE ${role}`);
        await tx.query('SELECT kid FROM signing_keys');
      });
      await expect(reading).rejects.toMatchObject({ cause: { code: '42501' } });
    }
  });
});

describe('rotation', () => {
  test('a successor is published first and signs later, and the old key is removed last', async () => {
    await aRing().rotate();
    const first = (await aRing().signing()).kid;
    const oldTokens = tokensOf(aRing());

    await passTime(30 * day - 300_000);
    await Promise.all(Array.from({ length: 5 }, () => aRing().rotate()));
    const both = await published(aRing());
    expect(both).toHaveLength(2);
    expect((await aRing().signing()).kid).toBe(first);
    // A verifier that fetches the keys now knows every key of the next cache lifetime.
    const verifier = verifierOf(aRing());
    await verifier.verify(await oldTokens.sign({ id: 1, role: 'customer' }));

    await passTime(300_000 + 60_000);
    const second = (await aRing().signing()).kid;
    expect(second).not.toBe(first);
    expect(both).toContain(second);
    const newToken = await tokensOf(aRing()).sign({ id: 2, role: 'admin' });
    expect(await verifier.verify(newToken)).toEqual({ userId: 2, role: 'admin' });

    // A process that has not read the keys again signs with the old key: the token is valid until it expires.
    const late = await oldTokens.sign({ id: 3, role: 'customer' });
    await passTime(900_000);
    await aRing().rotate();
    expect(await verifierOf(aRing()).verify(late)).toMatchObject({ userId: 3 });

    await passTime(120_000);
    await aRing().rotate();
    expect(await published(aRing())).toEqual([second]);
    await expect(verifierOf(aRing()).verify(late)).rejects.toMatchObject({
      code: 'unauthenticated',
    });
  });

  test('a verifier refuses a successor that signs as soon as it is created (control)', async () => {
    const ring = aRing();
    await ring.rotate();
    const verifier = verifierOf(ring);
    await verifier.verify(await tokensOf(ring).sign({ id: 1, role: 'customer' }));
    await passTime(30 * day - 300_000);
    await ring.rotate();
    await owner.query('UPDATE signing_keys SET signs_from = created_at');
    const token = await tokensOf(aRing()).sign({ id: 1, role: 'customer' });
    await expect(verifier.verify(token)).rejects.toMatchObject({ code: 'unauthenticated' });
  });

  test('the cached key signs during a short database outage', async () => {
    const ring = aRing(0);
    await ring.rotate();
    const { kid } = await ring.signing();
    await open[0]?.close();
    open = [];
    await expect(ring.published()).rejects.toThrow();
    expect((await ring.signing()).kid).toBe(kid);
  });
});
