import type { Database } from '@movie-ticketing/kit/database';
import type { JwkSet } from '@movie-ticketing/kit/published-keys';
import {
  calculateJwkThumbprint,
  exportJWK,
  generateKeyPair,
  importJWK,
  type CryptoKey,
  type JWK,
} from 'jose';

import { marginMs, planKeys, type RotationRules } from './key-rotation.ts';
import { makeSigningKeysRepository, type SigningKey } from './signing-keys.repository.ts';

export type SigningMaterial = { kid: string; key: CryptoKey | Uint8Array };

export type KeyRing = {
  /** The key that signs now. */
  signing(): Promise<SigningMaterial>;
  /** The public keys that verifiers must know now, read from the database. */
  published(): Promise<JwkSet>;
  /** Creates a key if one is due and deletes expired ones. Any number of processes may call it. */
  rotate(): Promise<void>;
};

/** How often a process reads which key signs; well below the margin by which a key outlives its term. */
const readIntervalMs = 10_000;

/** The signing keys. The database stores them, so that they outlive restarts and processes share them. */
export const makeKeyRing = (options: {
  db: Database;
  rules: RotationRules;
  readIntervalMs?: number;
}): KeyRing => {
  const { db, rules } = options;
  return {
    signing: cacheSigningKey(db, rules, options.readIntervalMs ?? readIntervalMs),
    published: async () => {
      const { keys, now } = await makeSigningKeysRepository(db).list();
      const plan = planKeys(keys, now, rules);
      const published = keys.filter(({ kid }) => plan.published.includes(kid));
      return { keys: published.map(({ publicJwk }) => publicJwk) };
    },
    rotate: () =>
      db.transaction(async (tx) => {
        const repository = makeSigningKeysRepository(tx);
        await repository.lock();
        const { keys, now } = await repository.list();
        const { create, expired } = planKeys(keys, now, rules);
        if (create !== undefined) await repository.insert(await createKey(now, create.signsFrom));
        if (expired.length > 0) await repository.delete(expired);
      }),
  };
};

const cacheSigningKey = (
  db: Database,
  rules: RotationRules,
  maximumAgeMs: number,
): KeyRing['signing'] => {
  let cached: { material: SigningMaterial; readAt: number } | undefined;
  let reading: Promise<SigningMaterial> | undefined;

  const read = async (): Promise<SigningMaterial> => {
    const { keys, now } = await makeSigningKeysRepository(db).list();
    const { signing } = planKeys(keys, now, rules);
    const found = keys.find(({ kid }) => kid === signing);
    if (found === undefined) throw new Error('no signing key exists yet');
    const material =
      cached?.material.kid === found.kid
        ? cached.material
        : { kid: found.kid, key: await importJWK(found.privateJwk, 'EdDSA') };
    cached = { material, readAt: performance.now() };
    return material;
  };
  // One read at a time, shared by all callers that wait for it.
  const readOnce = (): Promise<SigningMaterial> =>
    (reading ??= read().finally(() => {
      reading = undefined;
    }));

  return async () => {
    const age = cached === undefined ? Infinity : performance.now() - cached.readAt;
    if (cached !== undefined && age < maximumAgeMs) return cached.material;
    try {
      return await readOnce();
    } catch (error) {
      // A short database outage must not fail sign-ins that have been committed.
      if (cached !== undefined && age < marginMs / 2) return cached.material;
      throw error;
    }
  };
};

const createKey = async (createdAt: number, signsFrom: number): Promise<SigningKey> => {
  const { privateKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true });
  const { kty, crv, x, d } = await exportJWK(privateKey);
  const thumbprinted = { kty, crv, x } as JWK;
  const kid = await calculateJwkThumbprint(thumbprinted);
  const publicJwk = { ...thumbprinted, kid, alg: 'EdDSA', use: 'sig' };
  return { kid, publicJwk, privateJwk: { ...publicJwk, d } as JWK, createdAt, signsFrom };
};
