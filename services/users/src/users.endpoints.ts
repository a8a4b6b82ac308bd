import { keyEndpoints } from './keys/keys.endpoints.ts';
import { passwordEndpoints } from './passwords/passwords.endpoints.ts';
import { sessionEndpoints } from './sessions/sessions.endpoints.ts';
import { signInEndpoints } from './sign-in/sign-in.endpoints.ts';
import { userEndpoints } from './users/users.endpoints.ts';

/** Every endpoint of the users service, by operationId. */
export const usersEndpoints = () => ({
  ...signInEndpoints(),
  ...sessionEndpoints(),
  ...passwordEndpoints(),
  ...userEndpoints(),
  ...keyEndpoints(),
});

export type UsersEndpoints = ReturnType<typeof usersEndpoints>;
