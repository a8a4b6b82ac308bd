import { beforeAll, describe, expect, test } from '@jest/globals';
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey, type JWK } from 'jose';

import type { Problem } from '../src/problems.ts';
import type { JwkSet } from '../src/published-keys.ts';
import { maximumTokenSeconds, makeTokenVerifier } from '../src/tokens.ts';

const start = Date.parse('2027-01-01T00:00:00Z');
let privateKey: CryptoKey;
let jwk: JWK;
beforeAll(async () => {
  const pair = await generateKeyPair('EdDSA', { crv: 'Ed25519' });
  privateKey = pair.privateKey;
  jwk = { ...(await exportJWK(pair.publicKey)), alg: 'EdDSA', use: 'sig' };
});

type Claims = {
  /** Seconds after `start`. */
  issuedAt?: number;
  by?: CryptoKey;
  iss?: string;
  aud?: string;
  kid?: string | undefined;
  typ?: string;
  seconds?: number;
};

const sign = ({
  iss = 'us',
  aud = 'us',
  typ = 'at+jwt',
  seconds = 900,
  issuedAt = 0,
  by,
  ...rest
}: Claims = {}) => {
  const kid = 'kid' in rest ? rest.kid : 'a';
  return new SignJWT({ role: 'staff' })
    .setProtectedHeader({ alg: 'EdDSA', typ, ...(kid === undefined ? {} : { kid }) })
    .setSubject('7')
    .setIssuer(iss)
    .setAudience(aud)
    .setIssuedAt(start / 1000 + issuedAt)
    .setExpirationTime(start / 1000 + seconds)
    .sign(by ?? privateKey);
};

/** A verifier with its own clock, and the number of times that it fetched the keys. */
const verifierOf = (kids: string[] = ['a'], cacheSeconds = 300) => {
  const state = { now: start, fetches: 0, isAway: false, kids, jwk };
  const source = (): Promise<JwkSet> => {
    state.fetches += 1;
    if (state.isAway) return Promise.reject(new Error('away'));
    return Promise.resolve({ keys: state.kids.map((kid) => ({ ...state.jwk, kid })) });
  };
  const { verify } = makeTokenVerifier({
    source,
    issuer: 'us',
    audience: 'us',
    cacheSeconds,
    now: () => state.now,
  });
  const codeOf = (token: string): Promise<string> =>
    verify(token).then(
      () => 'verified',
      (error: unknown) => (error as Problem).code,
    );
  return { state, verify, codeOf };
};

const minute = 60_000;

describe('access tokens', () => {
  test('returns the user of a valid token and fetches the keys once', async () => {
    const { verify, state } = verifierOf();
    const token = await sign();
    expect(await verify(token)).toEqual({ userId: 7, role: 'staff' });
    expect(await verify(token)).toEqual({ userId: 7, role: 'staff' });
    expect(await verify(await sign({ seconds: 800 }))).toEqual({ userId: 7, role: 'staff' });
    expect(state.fetches).toBe(1);
  });

  test.each<[string, Claims]>([
    ['another issuer', { iss: 'them' }],
    ['another audience', { aud: 'them' }],
    ['no kid', { kid: undefined }],
    ['another type', { typ: 'JWT' }],
    ['an expiry in the past', { seconds: -1 }],
    ['a lifetime of ten years', { seconds: 10 * 365 * 86_400 }],
    ['a lifetime over the maximum', { seconds: maximumTokenSeconds + 1 }],
    ['an issue time in the future', { issuedAt: 61, seconds: 900 }],
  ])('rejects a token with %s', async (_what, claims) => {
    expect(await verifierOf().codeOf(await sign(claims))).toBe('unauthenticated');
  });

  test('accepts the longest lifetime and a clock that is a minute ahead', async () => {
    const { codeOf } = verifierOf();
    expect(await codeOf(await sign({ seconds: maximumTokenSeconds }))).toBe('verified');
    expect(await codeOf(await sign({ issuedAt: 60, seconds: 900 }))).toBe('verified');
  });

  test('rejects a remembered token once it expires', async () => {
    const { state, codeOf } = verifierOf();
    const token = await sign({ seconds: 60 });
    expect(await codeOf(token)).toBe('verified');
    state.now += minute;
    expect(await codeOf(token)).toBe('unauthenticated');
  });

  test('rejects every token whose issuer sets no issue time', async () => {
    const token = await new SignJWT({ role: 'staff' })
      .setProtectedHeader({ alg: 'EdDSA', typ: 'at+jwt', kid: 'a' })
      .setSubject('7')
      .setIssuer('us')
      .setAudience('us')
      .setExpirationTime(start / 1000 + 900)
      .sign(privateKey);
    expect(await verifierOf().codeOf(token)).toBe('unauthenticated');
  });
});

describe('a revoked key', () => {
  const lifetime = 300_000;

  test('rejects a remembered token at most one cache lifetime after its key was revoked', async () => {
    const { state, codeOf } = verifierOf(['a', 'b']);
    const token = await sign({ seconds: maximumTokenSeconds });
    const other = await sign({ kid: 'b', seconds: maximumTokenSeconds });
    expect(await codeOf(token)).toBe('verified');
    state.kids = ['b'];
    state.now += lifetime;
    expect(await codeOf(token)).toBe('unauthenticated');
    expect(await codeOf(other)).toBe('verified');
  });

  test('rejects it a day later and when it was forged to last', async () => {
    const { state, codeOf } = verifierOf(['a', 'b']);
    const forged = await sign({ seconds: maximumTokenSeconds, issuedAt: 59 });
    expect(await codeOf(forged)).toBe('verified');
    state.kids = ['b'];
    for (let passed = 0; passed < 86_400_000; passed += lifetime) {
      state.now += lifetime;
      expect(await codeOf(forged)).toBe('unauthenticated');
    }
  });

  test('rejects a remembered token whose key was replaced under the same kid', async () => {
    const { state, codeOf } = verifierOf();
    const token = await sign();
    expect(await codeOf(token)).toBe('verified');
    const pair = await generateKeyPair('EdDSA', { crv: 'Ed25519' });
    state.jwk = { ...(await exportJWK(pair.publicKey)), alg: 'EdDSA', use: 'sig' };
    state.now += lifetime;
    expect(await codeOf(token)).toBe('unauthenticated');
    const issuedAt = lifetime / 1000;
    expect(await codeOf(await sign({ by: pair.privateKey, issuedAt, seconds: 1_200 }))).toBe(
      'verified',
    );
  });

  test('control: a token whose key stays published is remembered past the lifetime', async () => {
    const { state, codeOf } = verifierOf();
    const token = await sign({ seconds: maximumTokenSeconds });
    for (let i = 0; i < 10; i += 1) {
      expect(await codeOf(token)).toBe('verified');
      state.now += lifetime;
    }
    expect(state.fetches).toBeGreaterThanOrEqual(10);
  });
});

describe('published keys', () => {
  test('are fetched again for an unknown kid at most once in 30 seconds', async () => {
    const { state, codeOf } = verifierOf();
    await codeOf(await sign());
    state.now += 30_000;
    const forged = await Promise.all(['x', 'y', 'z'].map((kid) => sign({ kid })));
    for (const token of forged) expect(await codeOf(token)).toBe('unauthenticated');
    expect(state.fetches).toBe(2);
    state.kids = ['a', 'b'];
    state.now += 30_000;
    expect(await codeOf(await sign({ kid: 'b' }))).toBe('verified');
    expect(state.fetches).toBe(3);
  });

  test('are fetched again in the background after half their lifetime', async () => {
    const { state, codeOf } = verifierOf();
    await codeOf(await sign());
    state.now += 149_000;
    await codeOf(await sign({ seconds: 899 }));
    expect(state.fetches).toBe(1);
    state.now += 1_000;
    expect(await codeOf(await sign({ seconds: 898 }))).toBe('verified');
    expect(state.fetches).toBe(2);
  });

  test('are used until the end of their lifetime if the source is unreachable; afterwards the response is 503', async () => {
    const { state, codeOf } = verifierOf();
    const token = await sign();
    await codeOf(token);
    state.isAway = true;
    state.now += 299_000;
    expect(await codeOf(token)).toBe('verified');
    expect(await codeOf(await sign({ seconds: 899 }))).toBe('verified');
    state.now += 1_000;
    expect(await codeOf(token)).toBe('unavailable');
    expect(await codeOf(await sign({ seconds: 898 }))).toBe('unavailable');
    state.isAway = false;
    state.now += 1_000;
    expect(await codeOf(token)).toBe('verified');
  });

  test('an unknown kid is 503 while the source is unreachable', async () => {
    const { state, codeOf } = verifierOf();
    await codeOf(await sign());
    state.isAway = true;
    state.now += 30_000;
    expect(await codeOf(await sign({ kid: 'b' }))).toBe('unavailable');
  });

  test('an unreachable source is asked at most once a second, however many tokens arrive', async () => {
    const { state, codeOf } = verifierOf();
    state.isAway = true;
    const tokens = await Promise.all([1, 2, 3, 4].map((i) => sign({ seconds: 900 - i })));
    for (const token of tokens) expect(await codeOf(token)).toBe('unavailable');
    expect(state.fetches).toBe(1);
  });

  test('a lifetime shorter than 30 seconds is kept too', async () => {
    const { state, codeOf } = verifierOf(['a', 'b'], 4);
    const token = await sign();
    expect(await codeOf(token)).toBe('verified');
    state.kids = ['b'];
    state.now += 4_000;
    expect(await codeOf(token)).toBe('unauthenticated');
  });
});
