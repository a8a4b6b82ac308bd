import { defineEndpoint } from '@movie-ticketing/kit/endpoint';
import { idParams } from '@movie-ticketing/kit/fields';

import { roleChange, userEnvelope, userList, usersQuery } from './users.schema.ts';

export const userEndpoints = () => ({
  getMe: defineEndpoint({
    method: 'get',
    path: '/users/me',
    operationId: 'getMe',
    summary: 'Get the current user',
    tag: 'Users',
    access: 'signed-in',
    answers: { 200: userEnvelope },
    checksUserItself: true,
  }),
  deleteMe: defineEndpoint({
    method: 'delete',
    path: '/users/me',
    operationId: 'deleteMe',
    summary: 'Delete the current user',
    description:
      'Removes the e-mail address and the password and ends every session. From then on each request with an access token of this user is answered 401. Bookings are kept. The last admin cannot be deleted (409).',
    tag: 'Users',
    access: 'signed-in',
    answers: { 204: null },
    problems: ['last_admin'],
    checksUserItself: true,
  }),
  listUsers: defineEndpoint({
    method: 'get',
    path: '/users',
    operationId: 'listUsers',
    summary: 'List users',
    description: 'In the order of their ids. Deleted users are not listed.',
    tag: 'Administration',
    access: 'staff',
    query: usersQuery,
    answers: { 200: userList },
  }),
  changeRole: defineEndpoint({
    method: 'patch',
    path: '/users/:id',
    operationId: 'changeRole',
    summary: "Change a user's role",
    description:
      'Takes effect when the user next refreshes the access token. The last admin cannot lose the role (409).',
    tag: 'Administration',
    access: 'admin',
    params: idParams,
    body: roleChange,
    answers: { 200: userEnvelope },
    problems: ['not_found', 'last_admin'],
  }),
});

export type UserEndpoints = ReturnType<typeof userEndpoints>;
