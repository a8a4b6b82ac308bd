import { hash } from 'node:crypto';

import { importJWK, jwtVerify, errors as joseErrors, type CryptoKey, type JWK } from 'jose';
import { LRUCache } from 'lru-cache';
import { z } from 'zod';

import { roles, type CurrentUser } from './endpoint.ts';
import { Problem } from './problems.ts';

export type JwkSet = { keys: JWK[] };

/** Where published keys come from: HTTP in a process of its own, a function call in the one-process server. */
export type JwkSource = () => Promise<JwkSet>;

/** Reads the users service's published keys over HTTP. */
export const jwksOverHttp =
  (url: string): JwkSource =>
  async () => {
    const answer = await fetch(url, { signal: AbortSignal.timeout(3_000), redirect: 'error' });
    if (!answer.ok) throw new Error(`the published keys answered ${String(answer.status)}`);
    return jwkSetSchema.parse(await answer.json());
  };

const jwkSetSchema = z.object({
  keys: z.array(z.looseObject({ kid: z.string(), kty: z.string() })),
});

const claims = z.object({
  sub: z
    .string()
    .regex(/^[1-9]\d{0,15}$/)
    .transform(Number),
  role: z.enum(roles),
  exp: z.number(),
});

type Verified = { currentUser: CurrentUser; expires: number };

export type TokenVerifier = { verify(token: string): Promise<CurrentUser> };

const unauthenticated = (detail: string, cause?: unknown): Problem =>
  new Problem('unauthenticated', {
    detail,
    headers: { 'WWW-Authenticate': 'Bearer' },
    cause,
  });

/**
 * Verifies Ed25519 access tokens (RFC 8037) against published keys. Keys are kept for one cache
 * lifetime; an unknown `kid` fetches them again at most once in 30 seconds, so that forged tokens
 * cannot make us ask without end. A token that was verified is remembered by its hash until it
 * expires: a verification costs 150 microseconds, a look-up two.
 */
export const makeTokenVerifier = (options: {
  source: JwkSource;
  issuer: string;
  audience: string;
  cacheSeconds: number;
  now?: () => number;
}): TokenVerifier => {
  const now = options.now ?? Date.now;
  const keys = makeKeyCache(options.source, options.cacheSeconds * 1000, now);
  const verified = new LRUCache<string, Verified>({ max: 50_000 });

  const check = async (token: string): Promise<Verified> => {
    try {
      const { payload } = await jwtVerify(token, async ({ kid }) => keys.get(kid), {
        issuer: options.issuer,
        audience: options.audience,
        algorithms: ['EdDSA', 'Ed25519'],
        typ: 'at+jwt',
        requiredClaims: ['exp', 'sub'],
        currentDate: new Date(now()),
      });
      const parsed = claims.parse(payload);
      return { currentUser: { userId: parsed.sub, role: parsed.role }, expires: parsed.exp * 1000 };
    } catch (error) {
      if (error instanceof Problem) throw error;
      if (error instanceof joseErrors.JWTExpired) {
        throw unauthenticated('The access token has expired: refresh it.', error);
      }
      throw unauthenticated('The access token is not valid.', error);
    }
  };

  return {
    verify: async (token) => {
      const digest = hash('sha256', token, 'base64');
      const known = verified.get(digest);
      if (known !== undefined) {
        if (known.expires > now()) return known.currentUser;
        verified.delete(digest);
        throw unauthenticated('The access token has expired: refresh it.');
      }
      const fresh = await check(token);
      verified.set(digest, fresh);
      return fresh.currentUser;
    },
  };
};

const refetchEveryMs = 30_000;

const makeKeyCache = (source: JwkSource, lifetimeMs: number, now: () => number) => {
  let known = new Map<string, CryptoKey | Uint8Array>();
  let fetchedAt = -Infinity;
  let triedAt = -Infinity;
  let fetching: Promise<void> | undefined;

  const load = async (): Promise<void> => {
    triedAt = now();
    const found = new Map<string, CryptoKey | Uint8Array>();
    for (const jwk of (await source()).keys) {
      if (jwk.kid !== undefined && jwk.kty === 'OKP' && jwk.crv === 'Ed25519') {
        found.set(jwk.kid, await importJWK(jwk, 'EdDSA'));
      }
    }
    known = found;
    fetchedAt = now();
  };
  // One fetch at a time, shared by all who wait for it.
  const refresh = (): Promise<void> =>
    (fetching ??= load().finally(() => {
      fetching = undefined;
    }));

  const get = async (kid: string | undefined): Promise<CryptoKey | Uint8Array> => {
    if (kid === undefined) throw unauthenticated('The access token names no key.');
    const isStale = now() - fetchedAt >= lifetimeMs;
    const mayAsk = now() - triedAt >= refetchEveryMs || fetchedAt === -Infinity;
    if ((isStale || !known.has(kid)) && (mayAsk || fetching !== undefined)) {
      try {
        await refresh();
      } catch (error) {
        // Known keys outlive a users service that is away for a while; unknown ones cannot be judged.
        if (!known.has(kid)) {
          throw new Problem('unavailable', {
            detail: 'Sign-ins cannot be verified right now.',
            retryAfter: 2,
            cause: error,
          });
        }
      }
    }
    const key = known.get(kid);
    if (key === undefined) throw unauthenticated('The access token is signed by an unknown key.');
    return key;
  };
  return { get };
};
