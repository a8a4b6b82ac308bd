import { z } from 'zod';

import { presentUser, userSchema, type User } from '../users/users.schema.ts';

/** The tokens of a session as its client gets them. */
export type TokenSet = {
  user: User;
  accessToken: string;
  /** Seconds until the access token expires. */
  expiresIn: number;
  refreshToken: string;
};

export const refreshTokenBody = z.strictObject({
  refresh_token: z
    .string()
    .regex(/^[\w-]{1,200}$/, 'must be a refresh token as the API returned it')
    .meta({ examples: ['dGhpcyBpcyBub3QgYSByZWFsIHJlZnJlc2ggdG9rZW4'] }),
});

export const signedIn = z
  .strictObject({
    user: userSchema,
    access_token: z.string().describe('For `Authorization: Bearer`'),
    token_type: z.literal('Bearer'),
    expires_in: z.int().describe('Seconds until the access token expires'),
    refresh_token: z
      .string()
      .describe('Valid for one use at POST /users/refresh, which returns the next one'),
  })
  .meta({ id: 'SignedIn', description: 'A user and the tokens of a session' });

export const presentTokens = (tokens: TokenSet): z.output<typeof signedIn> => ({
  user: presentUser(tokens.user),
  access_token: tokens.accessToken,
  token_type: 'Bearer',
  expires_in: tokens.expiresIn,
  refresh_token: tokens.refreshToken,
});
