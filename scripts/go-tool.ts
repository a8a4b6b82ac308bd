import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

export type GoTool = {
  /** Of the binary: the last part of the package's path. */
  name: string;
  package: string;
  version: string;
  /** Arguments that make it print its version. */
  versionArgs: readonly string[];
};

const root = join(import.meta.dirname, '..');

const folderOf = ({ name, version }: GoTool): string =>
  join(root, 'node_modules/.cache', name, version);

/** @returns why it cannot be installed, or undefined */
const install = (tool: GoTool): string | undefined => {
  const reference = `${tool.package}@${tool.version}`;
  if (spawnSync('go', ['version']).status !== 0) return `neither ${tool.name} nor Go is installed`;
  const { status, stderr, error } = spawnSync('go', ['install', reference], {
    env: { ...process.env, GOBIN: folderOf(tool), GOFLAGS: '-modcacherw' },
    encoding: 'utf8',
    timeout: 900_000,
  });
  if (status === 0) return undefined;
  const reason = error?.message ?? stderr.trim().split('\n').at(-1) ?? 'no reason given';
  return `go install ${reference}: ${reason.trim()}`;
};

/** The program on the path, else the pinned version, which Go installs into node_modules/.cache; or why not. */
export const findGoTool = (tool: GoTool): { command: string } | { missing: string } => {
  if (spawnSync(tool.name, tool.versionArgs).status === 0) return { command: tool.name };
  const cached = join(folderOf(tool), tool.name);
  const missing = existsSync(cached) ? undefined : install(tool);
  return missing === undefined ? { command: cached } : { missing };
};

/** Runs a linter that is written in Go, and exits with its status. Where it cannot be had, prints why and passes. */
export const runGoTool = (tool: GoTool, args: readonly string[]): void => {
  const found = findGoTool(tool);
  if ('missing' in found) {
    console.log(`skipped: ${found.missing}`);
    return;
  }
  const { status } = spawnSync(found.command, args, { cwd: root, stdio: 'inherit' });
  process.exitCode = status ?? 1;
};
