import { beforeAll, describe, expect, test } from '@jest/globals';
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey, type JWK } from 'jose';

import type { Problem } from '../src/problems.ts';
import { makeTokenVerifier, type JwkSet } from '../src/tokens.ts';

const start = Date.parse('2027-01-01T00:00:00Z');
let privateKey: CryptoKey;
let jwk: JWK;
beforeAll(async () => {
  const pair = await generateKeyPair('EdDSA', { crv: 'Ed25519' });
  privateKey = pair.privateKey;
  jwk = { ...(await exportJWK(pair.publicKey)), alg: 'EdDSA', use: 'sig' };
});

type Claims = {
  iss?: string;
  aud?: string;
  kid?: string | undefined;
  typ?: string;
  seconds?: number;
};

const sign = ({ iss = 'us', aud = 'us', typ = 'at+jwt', seconds = 900, ...rest }: Claims = {}) => {
  const kid = 'kid' in rest ? rest.kid : 'a';
  return new SignJWT({ role: 'staff' })
    .setProtectedHeader({ alg: 'EdDSA', typ, ...(kid === undefined ? {} : { kid }) })
    .setSubject('7')
    .setIssuer(iss)
    .setAudience(aud)
    .setIssuedAt(start / 1000)
    .setExpirationTime(start / 1000 + seconds)
    .sign(privateKey);
};

/** A verifier on a clock of its own, and how often it has asked for the keys. */
const verifierOf = (kids: string[] = ['a']) => {
  const state = { now: start, fetches: 0, isAway: false, kids };
  const source = (): Promise<JwkSet> => {
    state.fetches += 1;
    if (state.isAway) return Promise.reject(new Error('away'));
    return Promise.resolve({ keys: state.kids.map((kid) => ({ ...jwk, kid })) });
  };
  const { verify } = makeTokenVerifier({
    source,
    issuer: 'us',
    audience: 'us',
    cacheSeconds: 300,
    now: () => state.now,
  });
  const codeOf = (token: string): Promise<string> =>
    verify(token).then(
      () => 'verified',
      (error: unknown) => (error as Problem).code,
    );
  return { state, verify, codeOf };
};

describe('access tokens', () => {
  test('when a token is ours, then it tells who asks, the keys fetched once', async () => {
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
    ['its time over', { seconds: -1 }],
  ])('when a token has %s, then it is refused', async (_what, claims) => {
    expect(await verifierOf().codeOf(await sign(claims))).toBe('unauthenticated');
  });

  test('when a remembered token runs out, then it is refused', async () => {
    const { state, codeOf } = verifierOf();
    const token = await sign({ seconds: 60 });
    expect(await codeOf(token)).toBe('verified');
    state.now += 60_000;
    expect(await codeOf(token)).toBe('unauthenticated');
  });
});

describe('published keys', () => {
  test('when a kid is unknown, then the keys are fetched again at most once in 30 seconds', async () => {
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

  test('when they are older than their cache lifetime, then they are fetched again, and a retired key is gone', async () => {
    const { state, codeOf } = verifierOf(['a', 'b']);
    await codeOf(await sign());
    state.kids = ['b'];
    state.now += 300_000;
    expect(await codeOf(await sign({ kid: 'b' }))).toBe('verified');
    expect(await codeOf(await sign({ seconds: 899 }))).toBe('unauthenticated');
  });

  test('when they cannot be had, then known ones go on and an unknown one is 503', async () => {
    const { state, codeOf } = verifierOf();
    await codeOf(await sign());
    state.isAway = true;
    state.now += 300_000;
    expect(await codeOf(await sign({ seconds: 899 }))).toBe('verified');
    state.now += 30_000;
    expect(await codeOf(await sign({ kid: 'b' }))).toBe('unavailable');
  });
});
