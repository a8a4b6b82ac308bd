import type { Role } from '@movie-ticketing/kit/endpoint';

/** An account that stands; deleted ones are not found here. */
export type Account = {
  id: number;
  email: string;
  role: Role;
  createdAt: Date;
  passwordHash: string;
};
