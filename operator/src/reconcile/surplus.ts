import type { KubeObject } from '../runtime/kube-object.ts';
import type { Manifest } from './observed.ts';

/**
 * Maps of which every key is ours: one that somebody adds changes what runs (a setting, whom a Service
 * leads to), and an apply would leave it, for it takes away what the same owner has applied alone.
 */
const wholeMaps: Readonly<Record<string, readonly (readonly string[])[]>> = {
  ConfigMap: [['data'], ['binaryData']],
  Service: [['spec', 'selector']],
};

/** Fields that we leave unset and that stop us when others set them: a paused Deployment never rolls out, no node fits. */
const unsetFields: Readonly<Record<string, readonly (readonly string[])[]>> = {
  Deployment: [
    ['spec', 'paused'],
    ['spec', 'template', 'spec', 'nodeSelector'],
  ],
  StatefulSet: [['spec', 'template', 'spec', 'nodeSelector']],
};

const mapAt = (object: Readonly<Record<string, unknown>>, path: readonly string[]): object => {
  let value: unknown = object;
  for (const field of path) value = (value as Record<string, unknown> | null | undefined)?.[field];
  return typeof value === 'object' && value !== null ? value : {};
};

/** A merge patch that takes away what others have added where all is ours; nothing where they have not. */
export const surplusOf = (desired: Manifest, live: KubeObject): object | undefined => {
  const ofMaps = (wholeMaps[desired.kind] ?? []).flatMap((path) => {
    const ours = new Set(Object.keys(mapAt(desired, path)));
    const added = Object.keys(mapAt(live, path)).filter((key) => !ours.has(key));
    return added.map((key) => [...path, key]);
  });
  const ofFields = (unsetFields[desired.kind] ?? []).filter((path) => {
    const field = path.at(-1) ?? '';
    return field in mapAt(live, path.slice(0, -1));
  });
  const paths = [...ofMaps, ...ofFields];
  return paths.length === 0 ? undefined : removing(paths);
};

/** `[[a, b], [a, c]]`: `{a: {b: null, c: null}}`. */
const removing = (paths: readonly (readonly string[])[]): object => {
  const heads = new Set(paths.map(([head]) => head ?? ''));
  return Object.fromEntries(
    [...heads].map((head) => {
      const rests = paths.filter(([first]) => first === head).map(([, ...rest]) => rest);
      return [head, rests.some((rest) => rest.length === 0) ? null : removing(rests)];
    }),
  );
};
