import { hash } from 'node:crypto';

import { jwtVerify, errors as joseErrors } from 'jose';
import { LRUCache } from 'lru-cache';
import { z } from 'zod';

import { roles, type CurrentUser } from './current-user.ts';
import { Problem, unauthenticated } from './problems.ts';
import {
  makePublishedKeys,
  type JwkSource,
  type PublicKey,
  type PublishedKeys,
} from './published-keys.ts';

/** The longest lifetime of an access token, in seconds: the maximum of JWT_ACCESS_TOKEN_SECONDS. */
export const maximumTokenSeconds = 86_400;

/** How far the clocks of the issuer and the verifier may differ, in seconds. */
const clockToleranceSeconds = 60;

const claims = z
  .object({
    sub: z
      .string()
      .regex(/^[1-9]\d{0,15}$/)
      .transform(Number),
    role: z.enum(roles),
    iat: z.number(),
    exp: z.number(),
  })
  .refine(({ iat, exp }) => exp - iat <= maximumTokenSeconds, 'the lifetime is too long');

/** A verified token. It is accepted until it expires, while its key is published. */
type Verified = { currentUser: CurrentUser; expires: number; kid: string; key: PublicKey };

export type TokenVerifier = { verify(token: string): Promise<CurrentUser> };

type VerifierOptions = {
  source: JwkSource;
  issuer: string;
  audience: string;
  cacheSeconds: number;
  now?: () => number;
};

/**
 * Verifies Ed25519 access tokens (RFC 8037) against published keys. A verified token is remembered by
 * its hash, because a verification costs 150 microseconds and a look-up two; on each use its key is
 * looked up again, so a revoked or replaced key is accepted for at most one cache lifetime.
 */
export const makeTokenVerifier = (options: VerifierOptions): TokenVerifier => {
  const now = options.now ?? Date.now;
  const keys = makePublishedKeys(options.source, options.cacheSeconds * 1000, now);
  const verified = new LRUCache<string, Verified>({ max: 50_000 });

  /** The remembered token if its key is still the published one. */
  const recall = async (digest: string): Promise<Verified | undefined> => {
    const known = verified.get(digest);
    if (known === undefined) return undefined;
    if (known.expires <= now()) {
      verified.delete(digest);
      throw expiredToken();
    }
    const key = keys.getFresh(known.kid) ?? (await keys.get(known.kid));
    if (key === known.key) return known;
    verified.delete(digest);
    return undefined;
  };

  return {
    verify: async (token) => {
      const digest = hash('sha256', token, 'base64');
      const known = await recall(digest);
      if (known !== undefined) return known.currentUser;
      const fresh = await verifyToken(token, keys, { ...options, now });
      verified.set(digest, fresh);
      return fresh.currentUser;
    },
  };
};

const verifyToken = async (
  token: string,
  keys: PublishedKeys,
  { issuer, audience, now }: VerifierOptions & { now: () => number },
): Promise<Verified> => {
  let kid = '';
  let key: PublicKey | undefined;
  const findKey = async (header: { kid?: string }): Promise<PublicKey> => {
    if (header.kid === undefined) throw unauthenticated('The access token names no key.');
    kid = header.kid;
    key = await keys.get(kid);
    return key;
  };
  try {
    const { payload } = await jwtVerify(token, findKey, {
      issuer,
      audience,
      algorithms: ['EdDSA', 'Ed25519'],
      typ: 'at+jwt',
      requiredClaims: ['exp', 'iat', 'sub'],
      currentDate: new Date(now()),
    });
    const { sub, role, iat, exp } = claims.parse(payload);
    if (key === undefined || iat > now() / 1000 + clockToleranceSeconds) throw invalidToken();
    return { currentUser: { userId: sub, role }, expires: exp * 1000, kid, key };
  } catch (error) {
    if (error instanceof Problem) throw error;
    if (error instanceof joseErrors.JWTExpired) throw expiredToken(error);
    throw invalidToken(error);
  }
};

const expiredToken = (cause?: unknown): Problem =>
  unauthenticated('The access token has expired. Refresh it.', cause);

const invalidToken = (cause?: unknown): Problem =>
  unauthenticated('The access token is not valid.', cause);
