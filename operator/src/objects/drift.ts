import { quantityToNumber } from '../resource/quantity.ts';
import type { KubeObject } from '../runtime/kube-object.ts';
import { appliedAnnotation } from './labels.ts';
import type { Manifest } from './manifest.ts';

/**
 * Whether the live object is what we applied: the hash says that the manifest has not changed since, the
 * comparison that nobody changed a field of it. Server-side apply leaves what the API server filled in
 * and what others added; both are ignored here too, except for `unexpectedFields`.
 */
export const isAsApplied = (desired: Manifest, live: KubeObject): boolean =>
  live.metadata.annotations?.[appliedAnnotation] ===
    desired.metadata.annotations[appliedAnnotation] &&
  contains(live, desired, '', desired.kind) &&
  unexpectedFields(desired, live) === undefined;

/** Lists that server-side apply merges item by item: others may add items. All others are replaced whole. */
const sharedLists = new Set([
  'containers',
  'initContainers',
  'env',
  'volumes',
  'volumeMounts',
  'imagePullSecrets',
  'ownerReferences',
  'ports',
  'topologySpreadConstraints',
]);

const quantityFields = new Set(['cpu', 'memory', 'storage', 'sizeLimit']);

type Fields = Readonly<Record<string, unknown>>;
const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Values that the API server drops when it stores an object. */
const isEmpty = (value: unknown): boolean =>
  value === undefined ||
  value === null ||
  value === '' ||
  (Array.isArray(value) && value.length === 0) ||
  (isFields(value) && Object.values(value).every(isEmpty));

const contains = (live: unknown, desired: unknown, field: string, kind: string): boolean => {
  if (live === undefined || live === null) return isEmpty(desired);
  if (Array.isArray(desired)) {
    return Array.isArray(live) && containsList(live as unknown[], desired, field, kind);
  }
  if (isFields(desired)) {
    return (
      isFields(live) &&
      Object.entries(desired).every(([name, value]) => contains(live[name], value, name, kind))
    );
  }
  if (quantityFields.has(field)) return isSameQuantity(live, desired);
  return live === desired;
};

const containsList = (
  live: readonly unknown[],
  desired: readonly unknown[],
  field: string,
  kind: string,
): boolean =>
  sharedLists.has(field) && kind !== 'NetworkPolicy'
    ? desired.every((item) => live.some((candidate) => contains(candidate, item, '', kind)))
    : live.length === desired.length &&
      desired.every((item, index) => contains(live[index], item, '', kind));

/** `1000m` is stored as `1`, `1.5Gi` as `1536Mi`. */
const isSameQuantity = (live: unknown, desired: unknown): boolean => {
  if (live === desired) return true;
  const [a, b] = [quantityToNumber(String(live)), quantityToNumber(String(desired))];
  return Math.abs(a - b) <= Math.abs(b) * 1e-6;
};

/**
 * Fields that other managers must not add, because they stop a rollout or redirect traffic. An apply does
 * not remove them, because it removes only what the same manager set. They are whole maps that the operator
 * owns (a selector) or fields that it leaves unset (`paused`).
 */
const exclusiveFields: Readonly<Record<string, readonly (readonly string[])[]>> = {
  Service: [['spec', 'selector']],
  Deployment: [
    ['spec', 'paused'],
    ['spec', 'template', 'spec', 'nodeSelector'],
  ],
  StatefulSet: [['spec', 'template', 'spec', 'nodeSelector']],
};

/** A merge patch that removes what others added to `exclusiveFields`; undefined where there is nothing. */
export const unexpectedFields = (desired: Manifest, live: KubeObject): object | undefined => {
  const paths = (exclusiveFields[desired.kind] ?? []).flatMap((path) => {
    const found = valueAt(live, path);
    const expected = valueAt(desired, path);
    if (!isFields(found)) return found === undefined ? [] : [path];
    return Object.keys(found)
      .filter((name) => !isFields(expected) || !(name in expected))
      .map((name) => [...path, name]);
  });
  return paths.length === 0 ? undefined : removalPatch(paths);
};

const valueAt = (object: unknown, path: readonly string[]): unknown =>
  path.reduce<unknown>((value, field) => (isFields(value) ? value[field] : undefined), object);

/** `[[a, b], [a, c]]` becomes `{a: {b: null, c: null}}`. */
const removalPatch = (paths: readonly (readonly string[])[]): object => {
  const patch: Record<string, unknown> = {};
  for (const path of paths) {
    let at = patch;
    for (const field of path.slice(0, -1)) at = (at[field] ??= {}) as Record<string, unknown>;
    at[path.at(-1) ?? ''] = null;
  }
  return patch;
};
