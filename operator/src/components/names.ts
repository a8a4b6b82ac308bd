import type { ComponentName } from '../objects/labels.ts';
import type { MovieTicketing } from '../resource/movie-ticketing.schema.ts';

export const serviceNames = ['catalog', 'users', 'bookings'] as const;
export type ServiceName = (typeof serviceNames)[number];

/** What connects to a managed database with a login of its own. */
export const programs = [...serviceNames, 'seed', 'backup'] as const;
export type Program = (typeof programs)[number];

/** Keys of the Secret with the logins. A rotation has a second login beside the current one. */
export const loginKeys = (program: Program, which: 'current' | 'second') => {
  const prefix = which === 'current' ? program : `${program}-second`;
  return { username: `${prefix}-username`, password: `${prefix}-password` };
};

type Named = { metadata: { name: string } };

/**
 * The name of a component's objects. One word after the resource's name, so that the objects of resources
 * `cinema` and `cinema-east` never share a name.
 */
export const nameOf = ({ metadata }: Named, component: ComponentName): string =>
  `${metadata.name}-${component}`;

/** The Secret with the login that owns the managed database. */
export const databaseSecretName = ({ metadata }: Named): string => `${metadata.name}-database`;

/** The Secret with the logins of the services in the managed database. */
export const loginsSecretName = ({ metadata }: Named): string => `${metadata.name}-logins`;

/** The Secret with the certificate of the managed database and the authority that signs it. */
export const certificateSecretName = ({ metadata }: Named): string =>
  `${metadata.name}-certificate`;

/** The Secret with the certificate of the managed database, where cert-manager makes it. */
export const issuedSecretName = ({ metadata }: Named): string => `${metadata.name}-issued`;

/** The Secret with the generated administrator, where `adminSecretRef` is unset. */
export const generatedAdminSecretName = ({ metadata }: Named): string => `${metadata.name}-admin`;

/** The Cluster of CloudNativePG. The names of its Services and Secrets begin with it. */
export const clusterName = ({ metadata }: Named): string => `${metadata.name}-cluster`;

export const isCloudNativePg = ({ spec }: Pick<MovieTicketing, 'spec'>): boolean =>
  spec.database.cloudNativePG !== undefined;

/** Whether the migrations make a login for each program. An external database has the login that it has. */
export const hasProgramLogins = ({ spec }: Pick<MovieTicketing, 'spec'>): boolean =>
  spec.database.external === undefined;

/** Whether connections to the managed database are encrypted. */
export const hasOwnTls = ({ spec }: Pick<MovieTicketing, 'spec'>): boolean =>
  spec.database.managed?.tls.enabled === true;

export const isManaged = (resource: MovieTicketing): boolean =>
  resource.spec.database.managed !== undefined;
