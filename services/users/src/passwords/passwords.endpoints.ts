import { defineEndpoint } from '@movie-ticketing/kit/endpoint';
import { idParams } from '@movie-ticketing/kit/fields';

import { signedIn } from '../sessions/sessions.schema.ts';
import { passwordChange, passwordResetEnvelope, passwordResetUse } from './passwords.schema.ts';

export const passwordEndpoints = () => ({
  changePassword: defineEndpoint({
    method: 'post',
    path: '/users/me/password',
    operationId: 'changePassword',
    summary: "Change the current user's password",
    description:
      'Ends every session of the user and returns the tokens of a new one. A wrong current password is 401 `invalid_credentials` and counts as a failed sign-in. Issued access tokens stay valid until they expire.',
    tag: 'Users',
    access: 'signed-in',
    body: passwordChange,
    answers: { 200: signedIn },
    problems: ['invalid_credentials', 'too_many_requests', 'overloaded'],
    checksUserItself: true,
  }),
  createPasswordReset: defineEndpoint({
    method: 'post',
    path: '/users/:id/password-reset',
    operationId: 'createPasswordReset',
    summary: 'Create a password reset token',
    description:
      'Returns a token with which the user sets a new password at POST /users/password, for instance in a link. It is shown once, is valid for one use within 60 minutes and replaces an earlier one. The current password and sessions stay valid until the token is used.',
    tag: 'Administration',
    access: 'admin',
    params: idParams,
    answers: { 201: passwordResetEnvelope },
    problems: ['not_found'],
  }),
  resetPassword: defineEndpoint({
    method: 'post',
    path: '/users/password',
    operationId: 'resetPassword',
    summary: 'Set a new password with a reset token',
    description: 'Uses the token up and ends every session of the user. Sign in afterwards.',
    tag: 'Sign-in',
    access: 'public',
    body: passwordResetUse,
    answers: { 204: null },
    problems: ['invalid_reset_token', 'overloaded'],
  }),
});

export type PasswordEndpoints = ReturnType<typeof passwordEndpoints>;
