import { optionalKinds, ownedKinds, ownedObjects } from '../components/components.ts';
import { pluralOf, type Kind } from '../runtime/kube-object.ts';
import { eventKind, podKind } from './observe.ts';
import { resourceKind } from './reconcile-resource.ts';

/**
 * The operator's rights in the namespaces of its resources, derived from what it owns. Source of
 * k8s/base/cluster-role.yaml (`npm run generate`). It has no right that it could pass on: no roles, no
 * bindings, no exec, no impersonation.
 */

type PolicyRule = { apiGroups: string[]; resources: string[]; verbs: string[] };

const groupOf = ({ apiVersion }: Kind): string =>
  apiVersion.includes('/') ? (apiVersion.split('/')[0] ?? '') : '';

const rule = (kind: Kind, verbs: readonly string[], subresource?: string): PolicyRule => ({
  apiGroups: [groupOf(kind)],
  resources: [[pluralOf(kind.kind), subresource].filter((part) => part !== undefined).join('/')],
  verbs: [...verbs],
});

/** `get` for objects with a fixed name, `delete` for all but data. */
const ownedRules = (): PolicyRule[] =>
  [...ownedKinds, ...optionalKinds].map((kind) => {
    const objects = ownedObjects.filter(
      (object) => object.kind === kind.kind && object.apiVersion === kind.apiVersion,
    );
    return rule(kind, [
      ...(objects.some((object) => 'name' in object) ? ['get'] : []),
      'list',
      'watch',
      'create',
      'patch',
      ...(objects.some(({ neverDeleted }) => neverDeleted !== true) ? ['delete'] : []),
    ]);
  });

export const operatorRules = (): PolicyRule[] => [
  rule(resourceKind, ['get', 'list', 'watch']),
  rule(resourceKind, ['patch'], 'status'),
  ...ownedRules(),
  // Read to see why a step makes no progress; a pod stuck on a bad template of its StatefulSet is deleted.
  rule(podKind, ['list', 'watch', 'delete']),
  // Read as warnings about workloads without pods; written with `create` and `patch`.
  rule(eventKind, ['list', 'create', 'patch']),
];
