import { importJWK, type CryptoKey, type JWK } from 'jose';
import { z } from 'zod';

import { Problem, unauthenticated } from './problems.ts';

export type JwkSet = { keys: JWK[] };
export type PublicKey = CryptoKey | Uint8Array;

/** Where published keys come from: HTTP between processes, a function call in the one-process server. */
export type JwkSource = () => Promise<JwkSet>;

const jwkSetSchema = z.object({
  keys: z.array(z.looseObject({ kid: z.string(), kty: z.string() })),
});

/** Reads the users service's published keys over HTTP. */
export const jwksOverHttp =
  (url: string): JwkSource =>
  async () => {
    const answer = await fetch(url, { signal: AbortSignal.timeout(3_000), redirect: 'error' });
    if (!answer.ok) throw new Error(`GET ${url} answered ${String(answer.status)}`);
    return jwkSetSchema.parse(await answer.json());
  };

export type PublishedKeys = {
  /** The key, if it is known and its lifetime is not half over. */
  getFresh(kid: string): PublicKey | undefined;
  /**
   * @throws Problem `unauthenticated` for a key that is not published, `unavailable` while the keys
   *   are older than their lifetime and cannot be fetched
   */
  get(kid: string): Promise<PublicKey>;
};

/** Forged tokens with unknown keys cause at most one request in this time. */
const refetchEveryMs = 30_000;

/**
 * Published keys, kept for one lifetime. After half of it they are fetched again in the background, so
 * that a short outage of the source has no effect. After the whole lifetime they are not used: a revoked
 * key must not be accepted longer because the source is unreachable.
 */
export const makePublishedKeys = (
  source: JwkSource,
  lifetimeMs: number,
  now: () => number,
): PublishedKeys => {
  let known: KnownKeys = new Map();
  let fetchedAt = -Infinity;
  let triedAt = -Infinity;
  let fetching: Promise<void> | undefined;

  const load = async (): Promise<void> => {
    const startedAt = now();
    triedAt = startedAt;
    known = await importKeys(await source(), known);
    fetchedAt = startedAt;
  };
  // One fetch at a time, shared by all requests that wait for it.
  const refresh = (): Promise<void> =>
    (fetching ??= load().finally(() => {
      fetching = undefined;
    }));

  const age = (): number => now() - fetchedAt;
  const isUsable = (): boolean => age() < lifetimeMs;
  const maySend = (everyMs: number): boolean =>
    fetching !== undefined || now() - triedAt >= Math.min(everyMs, lifetimeMs / 4);

  const get = async (kid: string): Promise<PublicKey> => {
    let failure: unknown;
    if (isUsable() && known.has(kid)) {
      if (age() >= lifetimeMs / 2 && maySend(refetchEveryMs)) refresh().catch(() => undefined);
    } else if (maySend(isUsable() ? refetchEveryMs : 1_000)) {
      await refresh().catch((error: unknown) => {
        failure = error;
      });
    }
    const key = isUsable() ? known.get(kid)?.key : undefined;
    if (key !== undefined) return key;
    if (failure === undefined && isUsable()) {
      throw unauthenticated('The access token is signed with an unknown key.');
    }
    throw new Problem('unavailable', {
      detail: 'Access tokens cannot be verified right now.',
      retryAfter: 2,
      cause: failure,
    });
  };

  return {
    get,
    getFresh: (kid) => (age() < lifetimeMs / 2 ? known.get(kid)?.key : undefined),
  };
};

type KnownKeys = Map<string, { x: string; key: PublicKey }>;

/** Keeps the object of a key that did not change: tokens that were verified with it stay verified. */
const importKeys = async ({ keys }: JwkSet, known: KnownKeys): Promise<KnownKeys> => {
  const found: KnownKeys = new Map();
  for (const jwk of keys) {
    const { kid, kty, crv, x } = jwk;
    if (kid === undefined || kty !== 'OKP' || crv !== 'Ed25519' || x === undefined) continue;
    const before = known.get(kid);
    found.set(kid, before?.x === x ? before : { x, key: await importJWK(jwk, 'EdDSA') });
  }
  return found;
};
