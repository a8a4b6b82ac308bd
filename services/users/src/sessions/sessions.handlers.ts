import type { Handlers } from '@movie-ticketing/kit/endpoint';

import type { SessionEndpoints } from './sessions.endpoints.ts';
import { presentTokens } from './sessions.schema.ts';
import type { SessionsService } from './sessions.service.ts';

export const makeSessionHandlers = (sessions: SessionsService): Handlers<SessionEndpoints> => ({
  refreshSession: async ({ body, requestId }) => ({
    status: 200,
    body: presentTokens(await sessions.refresh(body.refresh_token, requestId)),
  }),

  logoutSession: async ({ body, currentUser }) => {
    await sessions.close(currentUser.userId, body.refresh_token);
    return { status: 204 };
  },
});
