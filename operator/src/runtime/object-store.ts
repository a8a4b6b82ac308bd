import { keyOf, type KubeObject } from './kube-object.ts';
import type { WatchEvent } from './list-watch.ts';

/** What has become of an object: nothing now, or nothing before. */
export type OnChange<T> = (key: string, object: T | undefined, before: T | undefined) => void;

export type ObjectStore<T> = {
  get(key: string): T | undefined;
  list(): T[];
  size(): number;
  take(event: WatchEvent<T>): void;
  /** With all there is: what is not in it was deleted. */
  replace(items: T[]): void;
};

/** The objects of a kind as last seen. A callback that throws changes nothing here. */
export const makeObjectStore = <T extends KubeObject>(
  onChange: OnChange<T>,
  failed: (error: unknown, key: string) => void,
): ObjectStore<T> => {
  const objects = new Map<string, T>();
  const put = (key: string, object: T | undefined): void => {
    const before = objects.get(key);
    if (before === undefined && object === undefined) return;
    if (object === undefined) objects.delete(key);
    else objects.set(key, object);
    // A list or a resumed watch brings again what is known already.
    const { uid, resourceVersion } = object?.metadata ?? {};
    if (object !== undefined && before?.metadata.uid === uid)
      if (before?.metadata.resourceVersion === resourceVersion) return;
    try {
      onChange(key, object, before);
    } catch (error) {
      failed(error, key);
    }
  };
  return {
    get: (key: string): T | undefined => objects.get(key),
    list: (): T[] => [...objects.values()],
    size: (): number => objects.size,
    take: (event: WatchEvent<T>): void => {
      if (event.type === 'BOOKMARK') return;
      put(keyOf(event.object), event.type === 'DELETED' ? undefined : event.object);
    },
    replace: (items: T[]): void => {
      const listed = new Set(items.map(keyOf));
      for (const key of [...objects.keys()]) if (!listed.has(key)) put(key, undefined);
      for (const item of items) put(keyOf(item), item);
    },
  };
};
