import type { Answer, Handler } from '@movie-ticketing/kit/endpoint';
import type { JwkSource } from '@movie-ticketing/kit/tokens';

import type { Account } from './account.ts';
import type { Accounts } from './accounts.service.ts';
import type { Sessions, TokenSet } from './sessions.service.ts';
import type { SignIn } from './sign-in.service.ts';
import type { UsersEndpoints } from './users.endpoints.ts';
import type { SignedIn, User } from './users.schema.ts';

export type UsersHandlers = { [Id in keyof UsersEndpoints]: Handler<UsersEndpoints[Id]> };

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

const userAnswer = (account: Account): Answer => ({
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
    logoutSession: async ({ body, caller }) => {
      await sessions.close(caller.userId, body.refresh_token);
      return { status: 204 };
    },
    getMe: async ({ caller }) => userAnswer(await accounts.find(caller.userId)),
    deleteMe: async ({ caller }) => {
      await accounts.remove(caller.userId);
      return { status: 204 };
    },
    changePassword: async ({ body, caller, address }) => {
      const change = { current: body.current_password, next: body.new_password };
      const tokens = await signIn.changePassword(caller.userId, change, address);
      return { status: 200, body: presentTokens(tokens) };
    },
    listUsers: async ({ query, caller }) => {
      const page = { after: query.cursor?.[0] ?? 0, limit: query.limit };
      const found = await accounts.list(caller, page);
      return {
        status: 200,
        body: { users: found.accounts.map(presentUser), next_cursor: found.nextCursor },
      };
    },
    changeRole: async ({ params, body, caller }) =>
      userAnswer(await accounts.changeRole(caller, params.id, body.role)),
    getJwks: async () => ({ status: 200, body: await jwks() }),
  };
};
