import type { Manifest } from '../reconcile/observed.ts';
import type { MovieTicketing } from '../resource/movie-ticketing.schema.ts';
import { manifest } from './manifest.ts';
import { isManaged, namesOf, serviceNames } from './names.ts';

/** One a kind of pod, with no rights and no token: what needs rights later gets them alone. */
export const serviceAccounts = (resource: MovieTicketing): Manifest[] => {
  const names = namesOf(resource);
  return [
    ...(isManaged(resource) ? [names.postgres] : []),
    names.jobs,
    ...serviceNames.map((service) => names.service(service)),
    names.gateway,
  ].map((name) =>
    manifest(
      resource,
      { apiVersion: 'v1', kind: 'ServiceAccount', name },
      { automountServiceAccountToken: false },
    ),
  );
};
