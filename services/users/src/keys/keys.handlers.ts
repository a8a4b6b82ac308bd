import type { Handlers } from '@movie-ticketing/kit/endpoint';
import type { JwkSource } from '@movie-ticketing/kit/published-keys';

import type { KeyEndpoints } from './keys.endpoints.ts';

export const makeKeyHandlers = (jwks: JwkSource): Handlers<KeyEndpoints> => ({
  getJwks: async () => ({ status: 200, body: await jwks() }),
});
