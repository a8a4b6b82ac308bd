import type { ApiResponse, Handlers } from '@movie-ticketing/kit/endpoint';
import type { JwkSource } from '@movie-ticketing/kit/published-keys';

import type { Account } from './account.ts';
import type { Accounts } from './accounts.service.ts';
import type { Sessions, TokenSet } from './sessions.service.ts';
import type { SignIn } from './sign-in.service.ts';
import type { UsersEndpoints } from './users.endpoints.ts';
import type { SignedIn, User } from './users.schema.ts';

export type UsersHandlers = Handlers<UsersEndpoints>;

const presentUser = (account: Account): User => ({
  id: account.id,
  email: account.email,
  role: account.role,
  created_at: account.createdAt.toISOString(),
});

const presentTokens = (tokens: TokenSet): SignedIn => ({
  user: presentUser(tokens.account),
  access_token: tokens.accessToken,
  token_type: 'Bearer',
  expires_in: tokens.expiresIn,
  refresh_token: tokens.refreshToken,
});

const userAnswer = (account: Account): ApiResponse => ({
  status: 200,
  body: { user: presentUser(account) },
});

export const makeUsersHandlers = (services: {
  signIn: SignIn;
  sessions: Sessions;
  accounts: Accounts;
  jwks: JwkSource;
}): UsersHandlers => {
  const { signIn, sessions, accounts, jwks } = services;
  return {
    registerUser: async ({ body }) => ({
      status: 201,
      body: presentTokens(await signIn.register(body)),
    }),
    loginUser: async ({ body, address }) => ({
      status: 200,
      body: presentTokens(await signIn.login(body, address)),
    }),
    refreshSession: async ({ body }) => ({
      status: 200,
      body: presentTokens(await sessions.refresh(body.refresh_token)),
    }),
    logoutSession: async ({ body, currentUser }) => {
      await sessions.close(currentUser.userId, body.refresh_token);
      return { status: 204 };
    },
    getMe: async ({ currentUser }) => userAnswer(await accounts.find(currentUser.userId)),
    deleteMe: async ({ currentUser }) => {
      await accounts.remove(currentUser.userId);
      return { status: 204 };
    },
    changePassword: async ({ body, currentUser, address }) => {
      const change = { current: body.current_password, next: body.new_password };
      const tokens = await signIn.changePassword(currentUser.userId, change, address);
      return { status: 200, body: presentTokens(tokens) };
    },
    listUsers: async ({ query, currentUser }) => {
      const page = { after: query.cursor?.[0] ?? 0, limit: query.limit };
      const found = await accounts.list(currentUser, page);
      return {
        status: 200,
        body: { users: found.accounts.map(presentUser), next_cursor: found.nextCursor },
      };
    },
    changeRole: async ({ params, body, currentUser }) =>
      userAnswer(await accounts.changeRole(currentUser, params.id, body.role)),
    getJwks: async () => ({ status: 200, body: await jwks() }),
  };
};
