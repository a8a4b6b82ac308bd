import { verifierOf } from '@movie-ticketing/kit/conditional-requests';
import type { Handlers } from '@movie-ticketing/kit/endpoint';

import type { UserEndpoints } from './users.endpoints.ts';
import { presentUser } from './users.schema.ts';
import type { UsersService } from './users.service.ts';

const verifier = verifierOf('user', presentUser);

export const makeUserHandlers = (users: UsersService): Handlers<UserEndpoints> => ({
  getMe: async ({ currentUser }) => ({
    status: 200,
    body: { user: presentUser(await users.find(currentUser.userId)) },
  }),

  deleteMe: async ({ currentUser, precondition, requestId }) => {
    await users.remove(currentUser.userId, verifier(precondition), requestId);
    return { status: 204 };
  },

  listUsers: async ({ query, currentUser }) => {
    const { cursor, ...filter } = query;
    const found = await users.list(currentUser, { after: cursor?.[0] ?? 0, ...filter });
    return {
      status: 200,
      body: { users: found.users.map(presentUser), next_cursor: found.nextCursor },
    };
  },

  changeRole: async ({ params, body, currentUser, precondition, requestId }) => {
    const verify = verifier(precondition);
    const change = { userId: params.id, role: body.role, verify, requestId };
    return {
      status: 200,
      body: { user: presentUser(await users.changeRole(currentUser, change)) },
    };
  },
});
