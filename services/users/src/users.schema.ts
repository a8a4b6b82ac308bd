import { roles } from '@movie-ticketing/kit/endpoint';
import { instantOut, secretText } from '@movie-ticketing/kit/fields';
import { listOf, pageById } from '@movie-ticketing/kit/pagination';
import { z } from 'zod';

/** bcrypt reads no further than this, and would take any longer password that begins the same. */
export const maximumPasswordBytes = 72;
const minimumPasswordBytes = 8;

const utf8Bytes = (value: string): number => Buffer.byteLength(value, 'utf8');

/** Kept as typed, compared without case. ASCII, so Postgres and we agree on what case is. */
export const email = () =>
  z
    .email('must be an e-mail address like ada@example.com')
    .max(254, 'must have 254 characters at most')
    .meta({ examples: ['ada@example.com'] });

/** A password someone sets: 8 to 72 bytes of UTF-8. */
export const newPassword = () =>
  secretText(1, maximumPasswordBytes)
    .refine(
      (value) =>
        utf8Bytes(value) >= minimumPasswordBytes && utf8Bytes(value) <= maximumPasswordBytes,
      'must have 8 to 72 bytes as UTF-8',
    )
    .meta({
      description: '8 to 72 bytes as UTF-8',
      examples: ['correct horse battery'],
    });

/** A password someone signs in with. One that could not have been set is wrong, not malformed. */
const givenPassword = () => secretText(1, 1_000).meta({ examples: ['correct horse battery'] });

const refreshToken = () =>
  z
    .string()
    .regex(/^[\w-]{1,200}$/, 'must be a refresh token as it was given')
    .meta({ examples: ['dGhpcyBpcyBub3QgYSByZWFsIHJlZnJlc2ggdG9rZW4'] });

export const registration = z.strictObject({ email: email(), password: newPassword() });
export const credentials = z.strictObject({ email: email(), password: givenPassword() });
export const refreshTokenBody = z.strictObject({ refresh_token: refreshToken() });
export const passwordChange = z.strictObject({
  current_password: givenPassword(),
  new_password: newPassword(),
});
export const roleChange = z.strictObject({ role: z.enum(roles) });
export const usersQuery = z.strictObject(pageById('users'));

export const user = z
  .strictObject({
    id: z.int(),
    email: z.string(),
    role: z.enum(roles),
    created_at: instantOut(),
  })
  .meta({ id: 'User', description: 'An account' });

export const userEnvelope = z.strictObject({ user });
export const userList = listOf('users', user);

export const signedIn = z
  .strictObject({
    user,
    access_token: z.string().describe('For `Authorization: Bearer`'),
    token_type: z.literal('Bearer'),
    expires_in: z.int().describe('Seconds that the access token is good for'),
    refresh_token: z
      .string()
      .describe('Good for one use at POST /users/refresh, which gives the next one'),
  })
  .meta({ id: 'SignedIn', description: 'An account and the tokens of a sign-in' });

export const jwkSet = z
  .strictObject({
    keys: z.array(
      z.strictObject({
        kty: z.literal('OKP'),
        crv: z.literal('Ed25519'),
        x: z.string(),
        kid: z.string(),
        alg: z.literal('EdDSA'),
        use: z.literal('sig'),
      }),
    ),
  })
  .meta({
    id: 'JwkSet',
    description: 'Public keys that access tokens are verified with (RFC 7517)',
  });

export type User = z.output<typeof user>;
export type SignedIn = z.output<typeof signedIn>;
