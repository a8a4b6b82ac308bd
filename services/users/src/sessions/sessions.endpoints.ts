import { defineEndpoint } from '@movie-ticketing/kit/endpoint';

import { refreshTokenBody, signedIn } from './sessions.schema.ts';

export const sessionEndpoints = () => ({
  refreshSession: defineEndpoint({
    method: 'post',
    path: '/users/refresh',
    operationId: 'refreshSession',
    summary: 'Exchange a refresh token for new tokens',
    description:
      "A refresh token is valid for one use. A second use, at the same time or later, ends the session: all its tokens stop working. The new access token has the user's current role.",
    tag: 'Sign-in',
    access: 'public',
    body: refreshTokenBody,
    answers: { 200: signedIn },
    problems: ['invalid_refresh_token'],
  }),
  logoutSession: defineEndpoint({
    method: 'post',
    path: '/users/logout',
    operationId: 'logoutSession',
    summary: 'End a session',
    description:
      'Ends the session of the refresh token if it belongs to the current user. The response is 204 in any case. The access token of the session stays valid until it expires, at most 15 minutes after it was issued.',
    tag: 'Sign-in',
    access: 'signed-in',
    body: refreshTokenBody,
    answers: { 204: null },
  }),
});

export type SessionEndpoints = ReturnType<typeof sessionEndpoints>;
