import { defineEndpoint } from '@movie-ticketing/kit/endpoint';

import { jwkSet } from './keys.schema.ts';

export const keyEndpoints = () => ({
  getJwks: defineEndpoint({
    method: 'get',
    path: '/.well-known/jwks.json',
    operationId: 'getJwks',
    summary: 'Get the public keys of access tokens',
    description:
      'Ed25519 keys that verify access tokens. A key is published at least one cache lifetime before it signs, and until the last token that it signed has expired.',
    tag: 'Sign-in',
    access: 'public',
    answers: { 200: jwkSet },
    shared: true,
  }),
});

export type KeyEndpoints = ReturnType<typeof keyEndpoints>;
