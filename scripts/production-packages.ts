import { join } from 'node:path/posix';

type LockEntry = {
  link?: boolean;
  resolved?: string;
  dependencies?: Record<string, string>;
  peerDependencies?: Record<string, string>;
  peerDependenciesMeta?: Record<string, { optional?: boolean }>;
};

export type LockFile = { packages: Record<string, LockEntry> };

/** As Node resolves a name: in the nearest node_modules up the tree. */
const resolve = (lock: LockFile, from: string, name: string): string => {
  const folders = from.split('/');
  for (;;) {
    const path = join(...folders, 'node_modules', name);
    if (lock.packages[path] !== undefined) return path;
    if (folders.pop() === undefined) throw new Error(`${name}, which ${from} needs, is not locked`);
  }
};

const requiredBy = ({
  dependencies,
  peerDependencies,
  peerDependenciesMeta,
}: LockEntry): string[] => [
  ...Object.keys(dependencies ?? {}),
  ...Object.keys(peerDependencies ?? {}).filter(
    (name) => peerDependenciesMeta?.[name]?.optional !== true,
  ),
];

/**
 * The paths in package-lock.json of what the workspaces need in production, themselves included:
 * neither development nor optional dependencies.
 */
export const productionPackages = (
  lock: LockFile,
  workspaces: readonly string[],
): ReadonlySet<string> => {
  const found = new Set<string>();
  const waiting = [...workspaces];
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    if (found.has(path)) continue;
    found.add(path);
    const entry = lock.packages[path];
    if (entry === undefined) throw new Error(`${path} is not in package-lock.json`);
    if (entry.link === true && entry.resolved !== undefined) waiting.push(entry.resolved);
    for (const name of requiredBy(entry)) waiting.push(resolve(lock, path, name));
  }
  return found;
};
