import { networkOf } from '@movie-ticketing/kit/client-address';
import type { Handlers } from '@movie-ticketing/kit/endpoint';

import { presentTokens } from '../sessions/sessions.schema.ts';
import type { SignInEndpoints } from './sign-in.endpoints.ts';
import type { SignInService } from './sign-in.service.ts';

export const makeSignInHandlers = (signIn: SignInService): Handlers<SignInEndpoints> => ({
  registerUser: async ({ body, address }) => ({
    status: 201,
    body: presentTokens(await signIn.register(body, networkOf(address))),
  }),

  loginUser: async ({ body, address, requestId }) => {
    const origin = { network: networkOf(address), requestId };
    return { status: 200, body: presentTokens(await signIn.login(body, origin)) };
  },
});
