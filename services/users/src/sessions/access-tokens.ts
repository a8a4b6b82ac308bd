import { randomUUID } from 'node:crypto';

import type { Role } from '@movie-ticketing/kit/current-user';
import { SignJWT } from 'jose';

import type { SigningMaterial } from '../keys/key-ring.ts';

export type AccessTokens = {
  lifetimeSeconds: number;
  sign(user: { id: number; role: Role }): Promise<string>;
};

/** Access tokens: JWTs of the profile of RFC 9068, signed with Ed25519. They hold ids, nothing personal. */
export const makeAccessTokens = (options: {
  signing: () => Promise<SigningMaterial>;
  issuer: string;
  audience: string;
  lifetimeSeconds: number;
}): AccessTokens => ({
  lifetimeSeconds: options.lifetimeSeconds,
  sign: async ({ id, role }) => {
    const { kid, key } = await options.signing();
    const issuedAt = Math.floor(Date.now() / 1_000);
    return new SignJWT({ role })
      .setProtectedHeader({ alg: 'EdDSA', typ: 'at+jwt', kid })
      .setIssuer(options.issuer)
      .setAudience(options.audience)
      .setSubject(String(id))
      .setIssuedAt(issuedAt)
      .setExpirationTime(issuedAt + options.lifetimeSeconds)
      .setJti(randomUUID())
      .sign(key);
  },
});
