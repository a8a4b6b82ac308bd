import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';

const folder = join(import.meta.dirname, '../node_modules/.cache/prometheus');

type Tool = 'promtool' | 'prometheus';

/** Unpacks Debian's package, which holds both programs, without installing it. @returns why it cannot be had, or undefined */
const unpack = (): string | undefined => {
  mkdirSync(folder, { recursive: true });
  const script = 'apt-get download prometheus && dpkg-deb -x prometheus_*.deb .';
  const { status, stderr } = spawnSync('sh', ['-c', script], { cwd: folder, encoding: 'utf8' });
  if (status === 0) return undefined;
  return `neither on the path nor to be had from Debian (${stderr.trim().split('\n').at(-1) ?? ''})`;
};

/** The program on the path, else that of Debian's package; or why there is none. */
export const findPrometheusTool = (tool: Tool): { command: string } | { missing: string } => {
  if (spawnSync(tool, ['--version']).status === 0) return { command: tool };
  const unpacked = join(folder, 'usr/bin', tool);
  const missing = existsSync(unpacked) ? undefined : unpack();
  return missing === undefined ? { command: unpacked } : { missing: `${tool}: ${missing}` };
};
