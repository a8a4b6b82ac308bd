import { appliedAnnotation } from '../children/labels.ts';
import { quantityToNumber } from '../resource/quantity.ts';
import type { KubeObject } from '../runtime/kube-object.ts';
import type { Manifest } from './observed.ts';
import { surplusOf } from './surplus.ts';

/**
 * Whether the live object is what we applied and still has all of it: the hash says that nothing newer
 * is wanted, the comparison that nobody changed what is ours. What the server filled in and what others
 * added beside it does not count (an apply would not take it away), but for what `surplusOf` names.
 */
export const isAsApplied = (desired: Manifest, live: KubeObject): boolean =>
  live.metadata.annotations?.[appliedAnnotation] ===
    desired.metadata.annotations[appliedAnnotation] &&
  contains(live, desired, '', desired.kind) &&
  surplusOf(desired, live) === undefined;

/** Lists that the API merges by key; all others are replaced as a whole. */
const listKeys: Readonly<Record<string, readonly string[]>> = {
  containers: ['name'],
  initContainers: ['name'],
  env: ['name'],
  volumes: ['name'],
  imagePullSecrets: ['name'],
  volumeMounts: ['mountPath'],
  ownerReferences: ['uid'],
  topologySpreadConstraints: ['topologyKey', 'whenUnsatisfiable'],
};

const keysOfList = (field: string, kind: string): readonly string[] | undefined => {
  if (field !== 'ports') return listKeys[field];
  if (kind === 'NetworkPolicy') return undefined;
  return kind === 'Service' ? ['port', 'protocol'] : ['containerPort', 'protocol'];
};

const quantityFields = new Set(['cpu', 'memory', 'storage', 'sizeLimit']);

type Fields = Readonly<Record<string, unknown>>;
const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** What the API server leaves out when it stores an object. */
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
  if (quantityFields.has(field)) return sameQuantity(live, desired);
  return live === desired;
};

const containsList = (
  live: readonly unknown[],
  desired: readonly unknown[],
  field: string,
  kind: string,
): boolean => {
  const keys = keysOfList(field, kind);
  if (keys === undefined) {
    return (
      live.length === desired.length &&
      desired.every((item, index) => contains(live[index], item, '', kind))
    );
  }
  return desired.every((item) =>
    live.some((candidate) => sameKey(candidate, item, keys) && contains(candidate, item, '', kind)),
  );
};

const sameKey = (live: unknown, desired: unknown, keys: readonly string[]): boolean =>
  isFields(live) && isFields(desired) && keys.every((key) => live[key] === desired[key]);

/** `1000m` is stored as `1`, `1.5Gi` as `1536Mi`. */
const sameQuantity = (live: unknown, desired: unknown): boolean => {
  if (live === desired) return true;
  const [a, b] = [quantityToNumber(String(live)), quantityToNumber(String(desired))];
  return Math.abs(a - b) <= Math.abs(b) * 1e-6;
};
