import { defineEndpoint } from '@movie-ticketing/kit/endpoint';

import { signedIn } from '../sessions/sessions.schema.ts';
import { credentials, registration } from './sign-in.schema.ts';

export const signInEndpoints = () => ({
  registerUser: defineEndpoint({
    method: 'post',
    path: '/users/register',
    operationId: 'registerUser',
    summary: 'Register a user and sign in',
    description:
      'Creates a user with the role customer. The e-mail address is stored as typed and compared without case; a password has 8 to 72 bytes as UTF-8 in Unicode NFC.',
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
      'An unknown e-mail address and a wrong password get the same response after the same work. After 10 failures of one user from one network, or 50 failures from one network in all, within 15 minutes the response is 429 with `Retry-After`. A network is an IPv4 address or the /64 of an IPv6 address. The limit of the whole network does not apply to users who have signed in from it within the last 30 days.',
    tag: 'Sign-in',
    access: 'public',
    body: credentials,
    answers: { 200: signedIn },
    problems: ['invalid_credentials', 'too_many_requests', 'overloaded'],
  }),
});

export type SignInEndpoints = ReturnType<typeof signInEndpoints>;
