import type { ChildRef, Manifest } from '../reconcile/observed.ts';
import type { MovieTicketing } from '../resource/movie-ticketing.schema.ts';
import { disruptionBudget } from './disruption-budgets.ts';
import { gatewayService } from './gateway.ts';
import { refOf } from './manifest.ts';
import { namesOf, serviceNames } from './names.ts';
import { networkPolicies } from './network-policies.ts';
import { postgresConfigMap } from './postgres-parameters.ts';
import { postgresService, postgresStatefulSet, postgresVolume } from './postgres.ts';
import { ownSecretNames } from './secrets.ts';
import { serviceAccounts } from './service-accounts.ts';
import { serviceConfigMap, serviceService } from './service-deployment.ts';

/** What stands before any step: who may talk to whom, as whom. */
export const foundation = (resource: MovieTicketing): Manifest[] => [
  ...serviceAccounts(resource),
  ...networkPolicies(resource),
];

/** Names that the resource needs for itself. Jobs are left out: their names hold a hash. */
export const wantedRefs = (resource: MovieTicketing): ChildRef[] => {
  const names = namesOf(resource);
  const { managed } = resource.spec.database;
  const deployments = [...serviceNames.map((service) => names.service(service)), names.gateway];
  return [
    ...foundation(resource).map(refOf),
    ...ownSecretNames(resource).map((name) => ({ apiVersion: 'v1', kind: 'Secret', name })),
    ...(managed === undefined
      ? []
      : [
          postgresVolume(resource, managed),
          postgresConfigMap(resource, managed),
          postgresService(resource),
          postgresStatefulSet(resource, managed),
        ].map(refOf)),
    ...serviceNames.flatMap((service) =>
      [
        serviceConfigMap(resource, service),
        serviceService(resource, service),
        disruptionBudget(resource, service, names.service(service)),
      ].map(refOf),
    ),
    ...[gatewayService(resource), disruptionBudget(resource, 'gateway', names.gateway)].map(refOf),
    ...deployments.map((name) => ({ apiVersion: 'apps/v1', kind: 'Deployment', name })),
  ];
};

/** What the spec names and others make, by name: read one by one, never listed. */
export const givenRefs = (resource: MovieTicketing): ChildRef[] => {
  const { database, adminSecretRef, gateway, seed } = resource.spec;
  const secrets = [
    database.external?.credentialsSecretRef.name,
    adminSecretRef?.name,
    gateway.tls?.secretName,
  ];
  const names = new Set(secrets.filter((name) => name !== undefined));
  return [
    ...[...names].map((name) => ({ apiVersion: 'v1', kind: 'Secret', name })),
    ...(seed.configMapRef === undefined
      ? []
      : [{ apiVersion: 'v1', kind: 'ConfigMap', name: seed.configMapRef.name }]),
  ];
};
