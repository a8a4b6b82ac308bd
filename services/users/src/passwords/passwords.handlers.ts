import { networkOf } from '@movie-ticketing/kit/client-address';
import type { Handlers } from '@movie-ticketing/kit/endpoint';

import { presentTokens } from '../sessions/sessions.schema.ts';
import type { PasswordEndpoints } from './passwords.endpoints.ts';
import { presentPasswordReset } from './passwords.schema.ts';
import type { PasswordsService, RequestOrigin } from './passwords.service.ts';

const originOf = (request: { address: string; requestId: string }): RequestOrigin => ({
  network: networkOf(request.address),
  requestId: request.requestId,
});

export const makePasswordHandlers = (passwords: PasswordsService): Handlers<PasswordEndpoints> => ({
  changePassword: async (request) => {
    const { body, currentUser } = request;
    const change = { current: body.current_password, next: body.new_password };
    const tokens = await passwords.change(currentUser.userId, change, originOf(request));
    return { status: 200, body: presentTokens(tokens) };
  },

  createPasswordReset: async ({ params, currentUser, requestId }) => {
    const reset = await passwords.createReset(currentUser, params.id, requestId);
    return { status: 201, body: { password_reset: presentPasswordReset(reset) } };
  },

  resetPassword: async (request) => {
    await passwords.reset(request.body, originOf(request));
    return { status: 204 };
  },
});
