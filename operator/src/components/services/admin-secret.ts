import type { MovieTicketing } from '../../resource/movie-ticketing.schema.ts';
import type { NamedObject } from '../../steps/component.ts';
import { generatedAdminSecretName } from '../names.ts';
import { areDataRetained } from '../postgres/postgres.component.ts';
import { encoded } from '../secret-contents.ts';

/**
 * The generated first administrator. The e-mail address is new in each new Secret: an existing user
 * is never changed, so a new password would not match it. Retained with the data that contains the user: a
 * resource that is deleted and applied again finds its administrator.
 */
export const adminSecret: NamedObject = {
  apiVersion: 'v1',
  kind: 'Secret',
  component: 'users',
  when: ({ spec }) => spec.adminSecretRef === undefined,
  name: generatedAdminSecretName,
  isRetained: areDataRetained,
  body: () => ({ type: 'Opaque' }),
  initialBody: ({ observed: { fresh } }) => ({
    data: encoded({
      email: `admin-${fresh.adminId}@movie-ticketing.local`,
      password: fresh.adminPassword,
    }),
  }),
};

/** The Secret with the first administrator, generated or the user's. */
export const adminSecretName = (resource: MovieTicketing): string =>
  resource.spec.adminSecretRef?.name ?? generatedAdminSecretName(resource);
