import type { KubeObject } from '../runtime/kube-object.ts';

export const resourceLabel = 'movieticketing.io/resource';
export const appliedAnnotation = 'movieticketing.io/applied';
export const pausedAnnotation = 'movieticketing.io/paused';

/** What a pod is: also the value of `app.kubernetes.io/component`. */
export type Component =
  'postgres' | 'migrations' | 'seed' | 'catalog' | 'users' | 'bookings' | 'gateway';

type Named = { metadata: { name: string } };

/** All of a resource's objects carry these; by them they are found. */
export const labelsOf = (resource: Named, component?: Component): Record<string, string> => ({
  'app.kubernetes.io/name': 'movie-ticketing',
  'app.kubernetes.io/instance': resource.metadata.name,
  'app.kubernetes.io/part-of': 'movie-ticketing',
  'app.kubernetes.io/managed-by': 'movie-ticketing-operator',
  ...(component === undefined ? {} : { 'app.kubernetes.io/component': component }),
  [resourceLabel]: resource.metadata.name,
});

/** The fewest that tell one component's pods from all others: selectors can never be changed. */
export const selectorOf = (resource: Named, component: Component): Record<string, string> => ({
  [resourceLabel]: resource.metadata.name,
  'app.kubernetes.io/component': component,
});

type Owner = { metadata: { name: string; uid: string } };

/**
 * Whether the resource may touch this object: it owns it, or nobody does and it carries the resource's
 * label (data kept from a former resource of the same name) or our annotation (somebody took the label off).
 */
export const isOurs = (object: KubeObject, resource: Owner): boolean => {
  const { ownerReferences = [], labels, annotations } = object.metadata;
  if (ownerReferences.some(({ uid }) => uid === resource.metadata.uid)) return true;
  if (ownerReferences.length > 0) return false;
  const label = labels?.[resourceLabel];
  if (label !== undefined) return label === resource.metadata.name;
  return annotations?.[appliedAnnotation] !== undefined;
};

/** Who has an object that is not ours, for a message. */
export const holderOf = (object: KubeObject, resource: Owner): string => {
  const owner = object.metadata.ownerReferences?.[0];
  if (owner !== undefined) {
    const former = owner.kind === 'MovieTicketing' && owner.name === resource.metadata.name;
    return former
      ? 'a former resource of this name, which is being removed'
      : `${owner.kind}/${owner.name}`;
  }
  const manager = object.metadata.labels?.['app.kubernetes.io/managed-by'];
  return manager === undefined ? 'nobody we know' : `what ${manager} manages`;
};
