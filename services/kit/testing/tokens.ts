import { exportJWK, generateKeyPair, SignJWT } from 'jose';

import type { Role } from '../src/current-user.ts';
import type { JwkSource } from '../src/published-keys.ts';

export type TestTokens = {
  source: JwkSource;
  /** A signed token like those of the users service. */
  sign: (currentUser: { userId: number; role?: Role }) => Promise<string>;
};

/** A new key pair, for services that are tested without the users service. */
export const makeTestTokens = async (): Promise<TestTokens> => {
  const { privateKey, publicKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519' });
  const jwk = { ...(await exportJWK(publicKey)), kid: 'test', alg: 'EdDSA', use: 'sig' };
  return {
    source: () => Promise.resolve({ keys: [jwk] }),
    sign: ({ userId, role = 'customer' }) =>
      new SignJWT({ role })
        .setProtectedHeader({ alg: 'EdDSA', kid: 'test', typ: 'at+jwt' })
        .setSubject(String(userId))
        .setIssuer('movie-ticketing')
        .setAudience('movie-ticketing')
        .setIssuedAt()
        .setExpirationTime('15m')
        .sign(privateKey),
  };
};
