import { defineEndpoint } from '@movie-ticketing/kit/endpoint';
import { idParams } from '@movie-ticketing/kit/fields';

import {
  credentials,
  jwkSet,
  passwordChange,
  refreshTokenBody,
  registration,
  roleChange,
  signedIn,
  userEnvelope,
  userList,
  usersQuery,
} from './users.schema.ts';

/** What the users service promises, by operationId. */
export const usersEndpoints = () => ({
  ...signInEndpoints(),
  ...sessionEndpoints(),
  ...accountEndpoints(),
  ...adminEndpoints(),
  getJwks: defineEndpoint({
    method: 'get',
    path: '/.well-known/jwks.json',
    operationId: 'getJwks',
    summary: 'Public keys of access tokens',
    description:
      'Ed25519 keys that verify access tokens. A key is here at least one cache lifetime before it signs, and until the last token it signed has expired.',
    tag: 'Sign-in',
    access: 'public',
    answers: { 200: jwkSet },
    shared: true,
  }),
});

const signInEndpoints = () => ({
  registerUser: defineEndpoint({
    method: 'post',
    path: '/users/register',
    operationId: 'registerUser',
    summary: 'Create an account and sign in',
    description:
      'Makes a customer. The e-mail is kept as typed and compared without case; a password has 8 to 72 bytes as UTF-8.',
    tag: 'Sign-in',
    access: 'public',
    body: registration,
    answers: { 201: signedIn },
    problems: ['email_taken', 'overloaded'],
  }),
  loginUser: defineEndpoint({
    method: 'post',
    path: '/users/login',
    operationId: 'loginUser',
    summary: 'Sign in',
    description:
      'An unknown e-mail and a wrong password get the same answer after the same work. Failures are counted by e-mail and client address together: after ten within 15 minutes the answer is 429 with `Retry-After`.',
    tag: 'Sign-in',
    access: 'public',
    body: credentials,
    answers: { 200: signedIn },
    problems: ['invalid_credentials', 'too_many_requests', 'overloaded'],
  }),
});

const sessionEndpoints = () => ({
  refreshSession: defineEndpoint({
    method: 'post',
    path: '/users/refresh',
    operationId: 'refreshSession',
    summary: 'Exchange a refresh token for new tokens',
    description:
      "A refresh token is good for one use. Using one twice, at once or later, ends the sign-in it belongs to: all its tokens stop working. The new access token carries the account's role of now.",
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
    summary: 'End a sign-in',
    description:
      'Ends the sign-in that the refresh token belongs to, if it is yours; the answer is 204 either way. Its access token runs out by itself, 15 minutes after it was given at the latest.',
    tag: 'Sign-in',
    access: 'signed-in',
    body: refreshTokenBody,
    answers: { 204: null },
  }),
});

const accountEndpoints = () => ({
  getMe: defineEndpoint({
    method: 'get',
    path: '/users/me',
    operationId: 'getMe',
    summary: 'My account',
    tag: 'Account',
    access: 'signed-in',
    answers: { 200: userEnvelope },
    checksUserItself: true,
  }),
  deleteMe: defineEndpoint({
    method: 'delete',
    path: '/users/me',
    operationId: 'deleteMe',
    summary: 'Delete my account',
    description:
      'Removes the e-mail and the password and ends every sign-in: from then every request with its tokens is 401. Bookings stay. The last administrator cannot go (409).',
    tag: 'Account',
    access: 'signed-in',
    answers: { 204: null },
    problems: ['last_admin'],
    checksUserItself: true,
  }),
  changePassword: defineEndpoint({
    method: 'post',
    path: '/users/me/password',
    operationId: 'changePassword',
    summary: 'Change my password',
    description:
      'Ends every sign-in of the account and answers with the tokens of a new one. A wrong current password is 401 `invalid_credentials` and counts like a failed sign-in. Access tokens that are out run out by themselves.',
    tag: 'Account',
    access: 'signed-in',
    body: passwordChange,
    answers: { 200: signedIn },
    problems: ['invalid_credentials', 'too_many_requests', 'overloaded'],
    checksUserItself: true,
  }),
});

const adminEndpoints = () => ({
  listUsers: defineEndpoint({
    method: 'get',
    path: '/users',
    operationId: 'listUsers',
    summary: 'All accounts',
    description: 'By id, deleted ones left out.',
    tag: 'Administration',
    access: 'admin',
    query: usersQuery,
    answers: { 200: userList },
  }),
  changeRole: defineEndpoint({
    method: 'patch',
    path: '/users/:id',
    operationId: 'changeRole',
    summary: 'Change the role of an account',
    description:
      'Takes effect when the account next refreshes its tokens. The last administrator cannot be demoted (409).',
    tag: 'Administration',
    access: 'admin',
    params: idParams,
    body: roleChange,
    answers: { 200: userEnvelope },
    problems: ['not_found', 'last_admin'],
  }),
});

export type UsersEndpoints = ReturnType<typeof usersEndpoints>;
