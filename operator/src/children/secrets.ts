import type { KubeObject } from '../runtime/kube-object.ts';
import type { FreshSecrets, Manifest } from '../reconcile/observed.ts';
import type { MovieTicketing } from '../resource/movie-ticketing.schema.ts';
import { databaseTarget, databaseUser } from './database-connection.ts';
import { shortHash } from './hash.ts';
import { manifest } from './manifest.ts';
import { isManaged, namesOf } from './names.ts';

/**
 * The database's password, with the parts of its address for whoever connects. Kept with the data it
 * opens. Without `fresh` its outer form alone, for an apply that leaves the contents as they are.
 */
export const databaseSecret = (resource: MovieTicketing, fresh?: FreshSecrets): Manifest => {
  const { host, port, name } = databaseTarget(resource);
  const data = {
    username: databaseUser,
    password: fresh?.databasePassword,
    host: `${host}.${resource.metadata.namespace}.svc`,
    port: String(port),
    database: name,
  };
  return secret(resource, {
    name: namesOf(resource).databaseSecret,
    component: 'postgres',
    // Made without an owner and owned by the apply that follows: only what an apply has set can an
    // apply take away again, and `reclaimPolicy` may change.
    owned: fresh === undefined && resource.spec.database.managed?.reclaimPolicy === 'Delete',
    ...(fresh === undefined ? {} : { data }),
  });
};

/**
 * The first administrator, made up. The address is new each time: an account that exists is never
 * changed, so under an old address the new password would not sign in.
 */
export const adminSecret = (resource: MovieTicketing, fresh?: FreshSecrets): Manifest =>
  secret(resource, {
    name: namesOf(resource).adminSecret,
    component: 'users',
    owned: true,
    ...(fresh === undefined
      ? {}
      : {
          data: {
            email: `admin-${fresh.adminId}@movie-ticketing.local`,
            password: fresh.adminPassword,
          },
        }),
  });

type SecretOptions = {
  name: string;
  component: 'postgres' | 'users';
  owned: boolean;
  data?: Record<string, string | undefined>;
};

const secret = (
  resource: MovieTicketing,
  { name, component, owned, data }: SecretOptions,
): Manifest =>
  manifest(
    resource,
    {
      apiVersion: 'v1',
      kind: 'Secret',
      name,
      component,
      owned,
    },
    { type: 'Opaque', ...(data === undefined ? {} : { data: encoded(data) }) },
  );

const encoded = (data: Record<string, string | undefined>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(data).map(([key, value]) => [key, Buffer.from(value ?? '').toString('base64')]),
  );

/** The Secret that names the administrator, made by us or by somebody else. */
export const adminSecretName = (resource: MovieTicketing): string =>
  resource.spec.adminSecretRef?.name ?? namesOf(resource).adminSecret;

/** Names and hash of what a Secret or ConfigMap holds, not what it holds. */
export const contentsOf = (object: KubeObject): { keys: Set<string>; hash: string } => {
  const data = {
    ...(object['binaryData'] as object | undefined),
    ...(object['data'] as object | undefined),
  };
  const filled = Object.entries(data).filter(([, value]) => value !== '');
  return { keys: new Set(filled.map(([key]) => key)), hash: shortHash(data) };
};

export const ownSecretNames = (resource: MovieTicketing): string[] => {
  const names = namesOf(resource);
  return [
    ...(isManaged(resource) ? [names.databaseSecret] : []),
    ...(resource.spec.adminSecretRef === undefined ? [names.adminSecret] : []),
  ];
};
