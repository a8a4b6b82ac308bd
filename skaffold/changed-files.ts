import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

type Seen = { stamp: string; content: string };

const stampOf = (path: string): string => {
  const { mtimeMs, size, ino } = statSync(path);
  return `${String(mtimeMs)} ${String(size)} ${String(ino)}`;
};

const contentOf = (path: string): string =>
  createHash('sha256').update(readFileSync(path)).digest('hex');

const filesIn = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));

const look = (folders: readonly string[], before: ReadonlyMap<string, Seen>): Map<string, Seen> =>
  new Map(
    folders.flatMap(filesIn).flatMap((path) => {
      try {
        const stamp = stampOf(path);
        const known = before.get(path);
        const content = known?.stamp === stamp ? known.content : contentOf(path);
        return [[path, { stamp, content }] as const];
      } catch {
        return []; // deleted or replaced at this moment: the next look finds what it became
      }
    }),
  );

/**
 * Finds files whose content changed, by polling: tar replaces a file instead of writing to it, and
 * the watchers of Node miss the second replacement.
 * @returns a function that lists the files that changed since its last call
 */
export const watchFiles = (folders: readonly string[]): (() => string[]) => {
  let known = look(folders, new Map());
  return () => {
    const before = known;
    known = look(folders, before);
    const paths = new Set([...before.keys(), ...known.keys()]);
    return [...paths].filter((path) => before.get(path)?.content !== known.get(path)?.content);
  };
};
