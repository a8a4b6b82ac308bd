import { existsSync, readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { dirname, join, relative } from 'node:path';

import ts from 'typescript';

const root = join(import.meta.dirname, '..');

export type ImageContents = {
  /** Folders of the repository that the image contains. */
  folders: string[];
  /** Workspaces whose production dependencies are installed in the image. */
  installed: string[];
  /** The command that a container runs, as in the Dockerfile. */
  command: string[];
};

type Stage = { base: string; lines: string[] };

const parseStages = (dockerfile: string): Map<string, Stage> => {
  const stages = new Map<string, Stage>();
  let current: Stage | undefined;
  const lines = dockerfile
    .replaceAll(/^#.*\n/gm, '')
    .replaceAll('\\\n', ' ')
    .split('\n');
  for (const line of lines) {
    const [, base, name] = /^FROM (?:--\S+ )?(\S+)(?: AS (\S+))?/.exec(line) ?? [];
    if (base === undefined) current?.lines.push(line);
    else stages.set(name ?? base, (current = { base, lines: [] }));
  }
  return stages;
};

const copies = (stage: Stage): { from: string; source: string }[] =>
  stage.lines.flatMap((line) => {
    const [, from, rest] = /^COPY --from=(\S+) (.+)$/.exec(line) ?? [];
    if (from === undefined || rest === undefined) return [];
    return rest
      .trim()
      .split(/\s+/)
      .slice(0, -1)
      .map((source) => ({ from, source }));
  });

/** The workspaces of the last `npm ci` that the stage or its base runs. */
const installedIn = (stages: Map<string, Stage>, name: string): string[] => {
  const stage = stages.get(name);
  if (stage === undefined) return [];
  const install = stage.lines.findLast((line) => line.includes('npm ci'));
  if (install === undefined) return installedIn(stages, stage.base);
  return [...install.matchAll(/--workspace=(\S+)/g)].flatMap(([, workspace = '']) => [workspace]);
};

/** Reads from the Dockerfile what the image of a target contains, its bases included. */
export const readImageContents = (dockerfile: string, target: string): ImageContents => {
  const stages = parseStages(dockerfile);
  const contents: ImageContents = { folders: [], installed: [], command: [] };
  for (let stage = stages.get(target); stage !== undefined; stage = stages.get(stage.base)) {
    for (const { from, source } of copies(stage)) {
      if (source.endsWith('/node_modules')) contents.installed.push(...installedIn(stages, from));
      else if (from === 'sources') contents.folders.push(source.replace('/app/', ''));
    }
    const command = stage.lines.find((line) => line.startsWith('CMD '));
    if (command !== undefined && contents.command.length === 0)
      contents.command = JSON.parse(command.slice('CMD '.length)) as string[];
  }
  return contents;
};

const readJson = (path: string): unknown => JSON.parse(readFileSync(join(root, path), 'utf8'));

type LockEntry = { link?: boolean; resolved?: string; dependencies?: Record<string, string> };
const lock = readJson('package-lock.json') as { packages: Record<string, LockEntry> };

/** As Node resolves it: in the nearest node_modules up the tree. */
const resolveInLock = (from: string, name: string): string => {
  for (let folder = from; ; folder = folder === '' ? '' : dirname(folder).replace(/^\.$/, '')) {
    const path = join(folder, 'node_modules', name);
    if (lock.packages[path] !== undefined) return path;
    if (folder === '') throw new Error(`${name} of ${from} is not in package-lock.json`);
  }
};

/** The paths in package-lock.json of all that `npm ci --omit=dev --omit=optional` installs for the workspaces. */
export const productionDependencies = (workspaces: readonly string[]): Set<string> => {
  const found = new Set<string>();
  const waiting = [...workspaces];
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    if (found.has(path)) continue;
    found.add(path);
    const { link, resolved, dependencies = {} } = lock.packages[path] ?? {};
    if (link === true) waiting.push(resolved ?? '');
    for (const name of Object.keys(dependencies)) waiting.push(resolveInLock(path, name));
  }
  return found;
};

const importsOf = (file: string): string[] => {
  const javaScript = stripTypeScriptTypes(readFileSync(join(root, file), 'utf8'));
  return ts.preProcessFile(javaScript).importedFiles.map(({ fileName }) => fileName);
};

export type Reached = { files: Set<string>; packages: Set<string> };

/** Every file of the repository, and every npm package, that a program imports when it runs. */
export const reachFrom = (main: string): Reached => {
  const reached: Reached = { files: new Set(), packages: new Set() };
  const waiting = [main];
  for (let file = waiting.pop(); file !== undefined; file = waiting.pop()) {
    if (reached.files.has(file)) continue;
    reached.files.add(file);
    for (const name of importsOf(file)) {
      if (name.startsWith('node:')) continue;
      const [, workspace, path] = /^@movie-ticketing\/([^/]+)\/(.+)$/.exec(name) ?? [];
      if (name.startsWith('.')) waiting.push(relative(root, join(root, dirname(file), name)));
      else if (workspace === undefined) reached.packages.add(packageName(name));
      else waiting.push(`${folderOf(workspace)}/src/${path ?? ''}.ts`);
    }
  }
  return reached;
};

const packageName = (name: string): string =>
  name
    .split('/')
    .slice(0, name.startsWith('@') ? 2 : 1)
    .join('/');

const folderOf = (workspace: string): string =>
  existsSync(join(root, 'services', workspace)) ? `services/${workspace}` : workspace;
