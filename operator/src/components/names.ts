import type { ComponentName } from '../objects/labels.ts';
import type { MovieTicketing } from '../resource/movie-ticketing.schema.ts';

export const serviceNames = ['catalog', 'users', 'bookings'] as const;
export type ServiceName = (typeof serviceNames)[number];

type Named = { metadata: { name: string } };

/**
 * The name of a component's objects. One word after the resource's name, so that the objects of resources
 * `cinema` and `cinema-east` never share a name.
 */
export const nameOf = ({ metadata }: Named, component: ComponentName): string =>
  `${metadata.name}-${component}`;

/** The Secret with the managed database's login. */
export const databaseSecretName = ({ metadata }: Named): string => `${metadata.name}-database`;

/** The Secret with the generated administrator, where `adminSecretRef` is unset. */
export const generatedAdminSecretName = ({ metadata }: Named): string => `${metadata.name}-admin`;

export const isManaged = (resource: MovieTicketing): boolean =>
  resource.spec.database.managed !== undefined;
