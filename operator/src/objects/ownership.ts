import type { KubeObject } from '../runtime/kube-object.ts';
import { appliedAnnotation, resourceLabel } from './labels.ts';

type Owner = { metadata: { name: string; uid: string } };

/**
 * Whether the resource may change this object: the resource owns it, or nobody does and it carries the
 * resource's label (data retained from a former resource of the same name) or our annotation (the label
 * was removed).
 */
export const isOwnedBy = (object: KubeObject, resource: Owner): boolean => {
  const { ownerReferences = [], labels, annotations } = object.metadata;
  if (ownerReferences.some(({ uid }) => uid === resource.metadata.uid)) return true;
  if (ownerReferences.length > 0) return false;
  const label = labels?.[resourceLabel];
  if (label !== undefined) return label === resource.metadata.name;
  return annotations?.[appliedAnnotation] !== undefined;
};

/** The owner of an object that the resource does not own, for a message. */
export const describeOwner = (object: KubeObject, resource: Owner): string => {
  const owner = object.metadata.ownerReferences?.[0];
  if (owner !== undefined) {
    const former = owner.kind === 'MovieTicketing' && owner.name === resource.metadata.name;
    return former
      ? 'owned by a former resource of this name, which is being deleted'
      : `owned by ${owner.kind}/${owner.name}`;
  }
  const manager = object.metadata.labels?.['app.kubernetes.io/managed-by'];
  return manager === undefined ? 'without an owner' : `managed by ${manager}`;
};
