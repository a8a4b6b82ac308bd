import { instantOut, secretText } from '@movie-ticketing/kit/fields';
import { z } from 'zod';

/** bcrypt reads no more than this, and would accept any longer password that begins the same. */
export const maximumPasswordBytes = 72;
const minimumPasswordBytes = 8;

// Decomposed, 72 bytes of NFC are up to 108 characters: two bytes become three characters (U+01D6).
const maximumCharacters = 108;
const minimumCharacters = 2;

/**
 * The form of a password that is hashed and compared: keyboards send the same letters composed or
 * decomposed (RFC 8265 prescribes NFC for passwords).
 */
export const normalizePassword = (password: string): string => password.normalize('NFC');

export const passwordBytes = (password: string): number =>
  Buffer.byteLength(normalizePassword(password), 'utf8');

const hasAllowedLength = (password: string): boolean => {
  const bytes = passwordBytes(password);
  return bytes >= minimumPasswordBytes && bytes <= maximumPasswordBytes;
};

/** A password that is being set. */
export const newPassword = () =>
  secretText(minimumCharacters, maximumCharacters)
    .refine(hasAllowedLength, 'must have 8 to 72 bytes as UTF-8')
    .meta({
      description: '8 to 72 bytes as UTF-8 in Unicode NFC',
      examples: ['correct horse battery'],
    });

/** A password to compare. One that could not have been set is wrong, not malformed. */
export const enteredPassword = () =>
  secretText(1, 1_000).meta({ examples: ['correct horse battery'] });

export const passwordChange = z.strictObject({
  current_password: enteredPassword(),
  new_password: newPassword(),
});

export const passwordResetUse = z.strictObject({
  token: z
    .string()
    .regex(/^[\w-]{1,200}$/, 'must be a password reset token as the API returned it')
    .meta({ examples: ['bm90IGEgcmVhbCBwYXNzd29yZCByZXNldCB0b2tlbiE'] }),
  password: newPassword(),
});

/** A password reset as the admin who asked for it gets it: its token is shown once. */
export type PasswordReset = { userId: number; token: string; expiresAt: Date };

export const passwordResetSchema = z
  .strictObject({
    user_id: z.int(),
    token: z.string().describe('For POST /users/password. Shown once, valid for one use'),
    expires_at: instantOut(),
  })
  .meta({ id: 'PasswordReset', description: 'A one-time token that sets a new password' });

export const passwordResetEnvelope = z.strictObject({ password_reset: passwordResetSchema });

export const presentPasswordReset = (
  reset: PasswordReset,
): z.output<typeof passwordResetSchema> => ({
  user_id: reset.userId,
  token: reset.token,
  expires_at: reset.expiresAt.toISOString(),
});
