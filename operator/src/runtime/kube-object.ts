/** An object of any kind as the API server sends and accepts it (JSON: times are strings). */
export type KubeObject = {
  apiVersion: string;
  kind: string;
  metadata: ObjectMeta;
  [field: string]: unknown;
};

export type ObjectMeta = {
  name: string;
  namespace?: string;
  uid?: string;
  resourceVersion?: string;
  generation?: number;
  creationTimestamp?: string;
  deletionTimestamp?: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  ownerReferences?: OwnerReference[];
  finalizers?: string[];
  managedFields?: unknown[];
};

export type OwnerReference = {
  apiVersion: string;
  kind: string;
  name: string;
  uid: string;
  controller?: boolean;
  blockOwnerDeletion?: boolean;
};

export type Kind = { apiVersion: string; kind: string };

/** Without a namespace: a cluster-scoped object. */
export type ObjectRef = Kind & { name: string; namespace?: string };

export const refOf = (object: KubeObject): ObjectRef => ({
  apiVersion: object.apiVersion,
  kind: object.kind,
  name: object.metadata.name,
  ...(object.metadata.namespace === undefined ? {} : { namespace: object.metadata.namespace }),
});

/** `namespace/name`, or `name` for a cluster-scoped object. */
export const keyOf = (object: KubeObject): string =>
  object.metadata.namespace === undefined
    ? object.metadata.name
    : `${object.metadata.namespace}/${object.metadata.name}`;

export const splitKey = (key: string): { namespace?: string; name: string } => {
  const slash = key.indexOf('/');
  return slash < 0 ? { name: key } : { namespace: key.slice(0, slash), name: key.slice(slash + 1) };
};

/** The plurals of Kubernetes are regular except Endpoints, and so is the plural of our CRD. */
export const pluralOf = (kind: string): string => {
  const lower = kind.toLowerCase();
  if (lower === 'endpoints') return lower;
  if (/(s|x|ch|sh)$/.test(lower)) return `${lower}es`;
  return /[^aeiou]y$/.test(lower) ? `${lower.slice(0, -1)}ies` : `${lower}s`;
};

/** One object, or all objects of a kind without a name. */
export type Place = Kind & {
  namespace?: string | undefined;
  name?: string | undefined;
  subresource?: 'status';
};

export const pathOf = ({ apiVersion, kind, namespace, name, subresource }: Place): string =>
  [
    apiVersion.includes('/') ? '/apis' : '/api',
    apiVersion,
    ...(namespace === undefined ? [] : ['namespaces', encodeURIComponent(namespace)]),
    pluralOf(kind),
    ...(name === undefined ? [] : [encodeURIComponent(name)]),
    ...(subresource === undefined ? [] : [subresource]),
  ].join('/');
