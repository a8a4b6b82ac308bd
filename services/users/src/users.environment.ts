import {
  environmentFields,
  serverEnvironment,
  tokenEnvironment,
} from '@movie-ticketing/kit/config';
import { databaseEnvironment } from '@movie-ticketing/kit/database-environment';
import { maximumTokenSeconds } from '@movie-ticketing/kit/tokens';
import { z } from 'zod';

import { email, newPassword } from './users.schema.ts';

const { integer } = environmentFields;

export const usersEnvironment = z.object({
  ...serverEnvironment.shape,
  ...tokenEnvironment.shape,
  ...databaseEnvironment.shape,
  /** log2 of bcrypt's rounds: 10 is about 50 ms a sign-in, each step doubles it. */
  BCRYPT_COST: integer(4, 15, 10),
  /** Created as an administrator if absent; an account that exists is left as it is. */
  ADMIN_EMAIL: email().optional(),
  ADMIN_PASSWORD: newPassword().optional(),
  JWT_ACCESS_TOKEN_SECONDS: integer(5, maximumTokenSeconds, 900),
  JWT_REFRESH_TOKEN_DAYS: integer(1, 365, 30),
  JWT_KEY_ROTATION_DAYS: integer(1, 365, 30),
});

export type UsersEnvironment = z.output<typeof usersEnvironment>;
