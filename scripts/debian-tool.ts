import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';

/** A program of a package of Debian. */
export type DebianTool = { name: string; package: string; versionArgs: readonly string[] };

export const promtool: DebianTool = {
  name: 'promtool',
  package: 'prometheus',
  versionArgs: ['--version'],
};
export const prometheus: DebianTool = { ...promtool, name: 'prometheus' };
export const lua: DebianTool = { name: 'lua5.4', package: 'lua5.4', versionArgs: ['-v'] };

const cache = join(import.meta.dirname, '../node_modules/.cache/debian');

/** Unpacks the package without installing it. @returns why it cannot be had, or undefined */
const unpack = (name: string, folder: string): string | undefined => {
  mkdirSync(folder, { recursive: true });
  const script = `apt-get download ${name} && dpkg-deb -x ${name}_*.deb .`;
  const { status, stderr } = spawnSync('sh', ['-c', script], { cwd: folder, encoding: 'utf8' });
  if (status === 0) return undefined;
  return `neither on the path nor to be had from Debian (${stderr.trim().split('\n').at(-1) ?? ''})`;
};

/** The program on the path, else that of Debian's package; or why there is none. */
export const findDebianTool = (tool: DebianTool): { command: string } | { missing: string } => {
  if (spawnSync(tool.name, tool.versionArgs).status === 0) return { command: tool.name };
  const folder = join(cache, tool.package);
  const unpacked = join(folder, 'usr/bin', tool.name);
  const missing = existsSync(unpacked) ? undefined : unpack(tool.package, folder);
  return missing === undefined ? { command: unpacked } : { missing: `${tool.name}: ${missing}` };
};
