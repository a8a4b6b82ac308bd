import type { OwnedRef } from '../objects/manifest.ts';
import type { MovieTicketing } from '../resource/movie-ticketing.schema.ts';
import type { Kind } from '../runtime/kube-object.ts';
import type { Component, NamedObject, OwnedObject } from '../steps/component.ts';
import { backup, restore, verification } from './backup/backup.component.ts';
import { clusterObjects } from './cloudnative-pg/cluster.ts';
import { gateway } from './gateway/gateway.component.ts';
import { migrations } from './migrations/migrations.component.ts';
import { podMonitor } from './monitoring/pod-monitor.ts';
import { nameOf } from './names.ts';
import { isolation, networkPolicy } from './network-policies.ts';
import { postgresCheck } from './postgres/image-check.component.ts';
import { postgres } from './postgres/postgres.component.ts';
import { seed } from './seed/seed.component.ts';
import { services } from './services/service.component.ts';

/** Every part of the system that has pods. */
export const components: readonly Component[] = [
  postgres,
  postgresCheck,
  migrations,
  seed,
  restore,
  ...services,
  gateway,
  backup,
  verification,
];

/** One for each component, without rights and without a token. */
const serviceAccount = ({ name }: Component): NamedObject => ({
  apiVersion: 'v1',
  kind: 'ServiceAccount',
  component: name,
  name: (resource) => nameOf(resource, name),
  body: () => ({ automountServiceAccountToken: false }),
});

const onlyWhen = ({ when }: Component, object: OwnedObject): OwnedObject =>
  when === undefined
    ? object
    : {
        ...object,
        when: (resource) => when(resource) && object.when?.(resource) !== false,
      };

/** Identities and network policies: applied before any step. */
export const foundation: readonly OwnedObject[] = [
  isolation,
  podMonitor,
  ...components.flatMap((component) =>
    [serviceAccount(component), networkPolicy(component, () => components)].map((object) =>
      onlyWhen(component, object),
    ),
  ),
];

/** Every object that the operator owns. Names, kinds and rights are derived from this list. */
export const ownedObjects: readonly OwnedObject[] = [
  ...foundation,
  ...components.flatMap((component) => component.owns.map((object) => onlyWhen(component, object))),
  // Their pods belong to CloudNativePG.
  ...clusterObjects,
];

/** The objects of this resource that have a fixed name. */
export const namedRefs = (resource: MovieTicketing): OwnedRef[] =>
  ownedObjects.flatMap((object) =>
    'name' in object && object.when?.(resource) !== false
      ? [{ apiVersion: object.apiVersion, kind: object.kind, name: object.name(resource) }]
      : [],
  );

const kindsOf = (objects: readonly OwnedObject[]): Kind[] => [
  ...new Map(
    objects.map(({ apiVersion, kind }) => [`${apiVersion} ${kind}`, { apiVersion, kind }]),
  ).values(),
];

/** Every kind of object that the operator owns and every cluster serves. */
export const ownedKinds: readonly Kind[] = kindsOf(
  ownedObjects.filter(({ optional }) => optional === undefined),
);

/** Kinds that a cluster may not serve: read only for a resource that wants them, and not watched. */
export const optionalKinds: readonly Kind[] = kindsOf(
  ownedObjects.filter(({ optional }) => optional !== undefined),
);

export const wantsKind = (resource: MovieTicketing, { apiVersion, kind }: Kind): boolean =>
  ownedObjects.some(
    (object) =>
      object.kind === kind && object.apiVersion === apiVersion && object.when?.(resource) !== false,
  );
