import {
  environmentFields,
  serverEnvironment,
  tokenEnvironment,
} from '@movie-ticketing/kit/config';
import { databaseEnvironment } from '@movie-ticketing/kit/database-environment';
import { maximumTokenSeconds } from '@movie-ticketing/kit/tokens';
import { z } from 'zod';

import { newPassword } from './passwords/passwords.schema.ts';
import { emailField } from './users/email-address.ts';

const { integer } = environmentFields;

export const usersEnvironment = z.object({
  ...serverEnvironment.shape,
  ...tokenEnvironment.shape,
  ...databaseEnvironment.shape,
  /** log2 of bcrypt's rounds: 10 takes about 50 ms a sign-in, each step doubles it. */
  BCRYPT_COST: integer(4, 15, 10),
  /** The admin's address: created if no user has it; an existing user is never changed. */
  ADMIN_EMAIL: emailField().optional(),
  ADMIN_PASSWORD: newPassword().optional(),
  JWT_ACCESS_TOKEN_SECONDS: integer(5, maximumTokenSeconds, 900),
  JWT_REFRESH_TOKEN_DAYS: integer(1, 365, 30),
  JWT_KEY_ROTATION_DAYS: integer(1, 365, 30),
  /** Keys that were created before this time are replaced now. */
  JWT_REPLACE_KEYS_BEFORE: z.iso
    .datetime('must be a time in UTC like 2027-03-01T12:00:00Z')
    .transform((time) => Date.parse(time))
    .optional(),
});

export type UsersEnvironment = z.output<typeof usersEnvironment>;
