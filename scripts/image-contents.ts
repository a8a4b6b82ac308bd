import { existsSync, readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { dirname, join, relative } from 'node:path';

import ts from 'typescript';

const root = join(import.meta.dirname, '..');

export type ImageContents = {
  /** Folders of the repository that the image contains. */
  folders: string[];
  /** Workspaces to whose production dependencies its node_modules is pruned. */
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

/** The workspaces for which the stage, or its base, last pruned node_modules. */
const installedIn = (stages: Map<string, Stage>, name: string): string[] => {
  const stage = stages.get(name);
  if (stage === undefined) return [];
  const [, workspaces] = /prune-packages\.main\.ts ([^&]+)/.exec(stage.lines.join('\n')) ?? [];
  return workspaces?.trim().split(/\s+/) ?? installedIn(stages, stage.base);
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
