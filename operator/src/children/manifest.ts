import type { ChildKey, ChildRef, Manifest } from '../reconcile/observed.ts';
import type { MovieTicketing } from '../resource/movie-ticketing.schema.ts';
import { shortHash } from './hash.ts';
import { appliedAnnotation, labelsOf, type Component } from './labels.ts';

export type Owner = Pick<MovieTicketing, 'apiVersion' | 'kind' | 'metadata'>;

type ManifestOptions = {
  apiVersion: string;
  kind: string;
  name: string;
  component?: Component;
  annotations?: Record<string, string>;
  /** False for data that outlives the resource: then garbage collection leaves it. */
  owned?: boolean;
};

/** An object of the resource's, with labels, owner and the hash by which it is known as applied. */
export const manifest = (
  resource: Owner,
  options: ManifestOptions,
  body: Record<string, unknown>,
): Manifest => {
  const { apiVersion, kind, name, component, annotations = {}, owned = true } = options;
  const made = {
    apiVersion,
    kind,
    metadata: {
      name,
      namespace: resource.metadata.namespace,
      labels: labelsOf(resource, component),
      annotations,
      ...(owned ? { ownerReferences: [ownerReference(resource)] } : {}),
    },
    ...withoutUndefined(body),
  };
  return {
    ...made,
    metadata: {
      ...made.metadata,
      annotations: { ...annotations, [appliedAnnotation]: shortHash(made) },
    },
  };
};

const ownerReference = (resource: Owner) => ({
  apiVersion: resource.apiVersion,
  kind: resource.kind,
  name: resource.metadata.name,
  uid: resource.metadata.uid,
  controller: true,
  // False: else making it takes the right to change the resource's finalizers.
  blockOwnerDeletion: false,
});

/** What JSON would leave out anyway; gone here, so that manifests compare as they are sent. */
const withoutUndefined = (body: Record<string, unknown>): Record<string, unknown> =>
  JSON.parse(JSON.stringify(body)) as Record<string, unknown>;

export const refOf = (object: {
  apiVersion: string;
  kind: string;
  metadata: { name: string; uid?: string };
}): ChildRef => ({
  apiVersion: object.apiVersion,
  kind: object.kind,
  name: object.metadata.name,
  ...(object.metadata.uid === undefined ? {} : { uid: object.metadata.uid }),
});

export const secretKey = (name: string): ChildKey => `Secret/${name}`;
export const configMapKey = (name: string): ChildKey => `ConfigMap/${name}`;
