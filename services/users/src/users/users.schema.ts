import { roles, type Role } from '@movie-ticketing/kit/current-user';
import { instantOut } from '@movie-ticketing/kit/fields';
import { listOf, pageById } from '@movie-ticketing/kit/pagination';
import { z } from 'zod';

import { emailField } from './email-address.ts';

/** A user who was not deleted. */
export type User = {
  id: number;
  email: string;
  role: Role;
  createdAt: Date;
  passwordHash: string;
};

export const userSchema = z
  .strictObject({
    id: z.int(),
    email: z.string(),
    role: z.enum(roles),
    created_at: instantOut(),
  })
  .meta({ id: 'User', description: 'A user' });

export const userEnvelope = z.strictObject({ user: userSchema });
export const userList = listOf('users', userSchema);

export const roleChange = z.strictObject({ role: z.enum(roles) });
export const usersQuery = z.strictObject({
  ...pageById('users'),
  email: emailField()
    .exactOptional()
    .describe('Only the user with this e-mail address, compared without case'),
});

export type UsersQuery = z.output<typeof usersQuery>;

export const presentUser = (user: User): z.output<typeof userSchema> => ({
  id: user.id,
  email: user.email,
  role: user.role,
  created_at: user.createdAt.toISOString(),
});
