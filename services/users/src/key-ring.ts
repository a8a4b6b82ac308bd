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
  /** The key to sign with now. */
  signing(): Promise<SigningMaterial>;
  /** The public keys that verifiers must know now, read anew. */
  published(): Promise<JwkSet>;
  /** Makes a key if one is due and forgets those that are over. Any number of processes may call. */
  rotate(): Promise<void>;
};

/** How often a process looks which key signs; well below the margin that a key outlives its term by. */
const readEvery = 10_000;

/** The signing keys, kept in the database: they outlive restarts, and processes agree on them. */
export const makeKeyRing = (options: {
  db: Database;
  rules: RotationRules;
  readEveryMs?: number;
}): KeyRing => {
  const { db, rules } = options;
  return {
    signing: rememberSigningKey(db, rules, options.readEveryMs ?? readEvery),
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
        const { create, forget } = planKeys(keys, now, rules);
        if (create !== undefined) await repository.add(await makeKey(now, create.signsFrom));
        if (forget.length > 0) await repository.remove(forget);
      }),
  };
};

const rememberSigningKey = (
  db: Database,
  rules: RotationRules,
  readEveryMs: number,
): KeyRing['signing'] => {
  let known: { material: SigningMaterial; readAt: number } | undefined;
  let reading: Promise<SigningMaterial> | undefined;

  const read = async (): Promise<SigningMaterial> => {
    const { keys, now } = await makeSigningKeysRepository(db).list();
    const { signing } = planKeys(keys, now, rules);
    const found = keys.find(({ kid }) => kid === signing);
    if (found === undefined) throw new Error('there is no signing key yet');
    const material =
      known?.material.kid === found.kid
        ? known.material
        : { kid: found.kid, key: await importJWK(found.privateJwk, 'EdDSA') };
    known = { material, readAt: performance.now() };
    return material;
  };
  // One read at a time, shared by all who wait for it.
  const readOnce = (): Promise<SigningMaterial> =>
    (reading ??= read().finally(() => {
      reading = undefined;
    }));

  return async () => {
    const age = known === undefined ? Infinity : performance.now() - known.readAt;
    if (known !== undefined && age < readEveryMs) return known.material;
    try {
      return await readOnce();
    } catch (error) {
      // An account that was just made should not lose its tokens to a moment's trouble.
      if (known !== undefined && age < marginMs / 2) return known.material;
      throw error;
    }
  };
};

const makeKey = async (createdAt: number, signsFrom: number): Promise<SigningKey> => {
  const { privateKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true });
  const { kty, crv, x, d } = await exportJWK(privateKey);
  const bare = { kty, crv, x } as JWK;
  const kid = await calculateJwkThumbprint(bare);
  const publicJwk = { ...bare, kid, alg: 'EdDSA', use: 'sig' };
  return { kid, publicJwk, privateJwk: { ...publicJwk, d } as JWK, createdAt, signsFrom };
};
