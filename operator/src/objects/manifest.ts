import type { Kind, KubeObject, OwnerReference } from '../runtime/kube-object.ts';
import { shortHash } from './hash.ts';
import { appliedAnnotation, labelsOf, type ComponentName } from './labels.ts';

/** Names one object in the resource's namespace: `Deployment/cinema-catalog`. */
export type ObjectKey = `${string}/${string}`;

/** Addresses one object in the resource's namespace; `uid`, where set, is a precondition. */
export type OwnedRef = Kind & { name: string; uid?: string };

/** An object as it is sent to the API server. */
export type Manifest = Kind & {
  metadata: {
    name: string;
    namespace: string;
    labels: Record<string, string>;
    annotations: Record<string, string>;
    ownerReferences?: OwnerReference[];
    /** A precondition: the API server refuses the apply if the object has another uid or is gone. */
    uid?: string;
  };
  [field: string]: unknown;
};

export const keyOf = (object: { kind: string; metadata: { name: string } }): ObjectKey =>
  `${object.kind}/${object.metadata.name}`;

export const keyOfRef = (ref: { kind: string; name: string }): ObjectKey =>
  `${ref.kind}/${ref.name}`;

export const refOf = ({ apiVersion, kind, metadata }: KubeObject): OwnedRef => ({
  apiVersion,
  kind,
  name: metadata.name,
  ...(metadata.uid === undefined ? {} : { uid: metadata.uid }),
});

type Owner = Kind & { metadata: { name: string; namespace: string; uid: string } };

type ManifestOptions = Kind & {
  name: string;
  component: ComponentName | undefined;
  /** Besides those of every object. */
  labels: Record<string, string>;
  annotations: Record<string, string>;
  /** False for data that outlives the resource: garbage collection then leaves it alone. */
  owned: boolean;
};

/** An object with its labels, its owner and the hash by which drift detection recognizes it. */
export const makeManifest = (
  resource: Owner,
  options: ManifestOptions,
  body: Record<string, unknown>,
): Manifest => {
  const { apiVersion, kind, name, component, labels, annotations, owned } = options;
  const unhashed = {
    apiVersion,
    kind,
    metadata: {
      name,
      namespace: resource.metadata.namespace,
      labels: { ...labels, ...labelsOf(resource, component) },
      annotations,
      ...(owned ? { ownerReferences: [ownerReference(resource)] } : {}),
    },
    ...withoutUndefined(body),
  };
  return {
    ...unhashed,
    metadata: {
      ...unhashed.metadata,
      annotations: { ...annotations, [appliedAnnotation]: shortHash(unhashed) },
    },
  };
};

const ownerReference = (resource: Owner): OwnerReference => ({
  apiVersion: resource.apiVersion,
  kind: resource.kind,
  name: resource.metadata.name,
  uid: resource.metadata.uid,
  controller: true,
  // True would require the right to change the resource's finalizers.
  blockOwnerDeletion: false,
});

/** Drops what JSON would drop, so that manifests compare as they are sent. */
const withoutUndefined = (body: Record<string, unknown>): Record<string, unknown> =>
  JSON.parse(JSON.stringify(body)) as Record<string, unknown>;
