import type { LiveObject, Manifest } from './observed.ts';

/**
 * Maps of which every key is ours: one that somebody adds changes what runs (a setting, whom a Service
 * leads to), and an apply would leave it, for it takes away what the same owner has applied alone.
 */
const wholeMaps: Readonly<Record<string, readonly (readonly string[])[]>> = {
  ConfigMap: [['data'], ['binaryData']],
  Service: [['spec', 'selector']],
};

const mapAt = (object: Readonly<Record<string, unknown>>, path: readonly string[]): object => {
  let value: unknown = object;
  for (const field of path) value = (value as Record<string, unknown> | null | undefined)?.[field];
  return typeof value === 'object' && value !== null ? value : {};
};

const nested = (path: readonly string[], value: object): object =>
  path.reduceRight<object>((inner, field) => ({ [field]: inner }), value);

/** A merge patch that takes away what others have added where all is ours; nothing where they have not. */
export const surplusOf = (desired: Manifest, live: LiveObject): object | undefined => {
  const patches = (wholeMaps[desired.kind] ?? []).flatMap((path) => {
    const ours = new Set(Object.keys(mapAt(desired, path)));
    const added = Object.keys(mapAt(live, path)).filter((key) => !ours.has(key));
    if (added.length === 0) return [];
    return [nested(path, Object.fromEntries(added.map((key) => [key, null])))];
  });
  return patches.length === 0 ? undefined : (Object.assign({}, ...patches) as object);
};
