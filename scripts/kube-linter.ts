import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Lints k8s/ with kube-linter (.kube-linter.yaml): the one on the path, else the pinned one, installed
 * by Go into node_modules/.cache. Where neither can be had it says so and passes.
 */
const version = 'v0.7.2';
const root = join(import.meta.dirname, '..');
const folder = join(root, 'node_modules/.cache/kube-linter', version);
const cached = join(folder, 'kube-linter');
const package_ = `golang.stackrox.io/kube-linter/cmd/kube-linter@${version}`;

const works = (command: string): boolean => spawnSync(command, ['version']).status === 0;

/** @returns why it cannot be had, or nothing */
const install = (): string | undefined => {
  if (spawnSync('go', ['version']).status !== 0) return 'neither kube-linter nor Go is here';
  const { status, stderr, error } = spawnSync('go', ['install', package_], {
    env: { ...process.env, GOBIN: folder, GOFLAGS: '-modcacherw' },
    encoding: 'utf8',
    timeout: 900_000,
  });
  if (status === 0) return undefined;
  const reason = error?.message ?? stderr.trim().split('\n').at(-1) ?? 'it failed';
  return `go install ${package_}: ${reason.trim()}`;
};

const lint = (command: string): void => {
  const args = ['lint', '--config', '.kube-linter.yaml', 'k8s'];
  const { status } = spawnSync(command, args, { cwd: root, stdio: 'inherit' });
  process.exitCode = status ?? 1;
};

if (works('kube-linter')) lint('kube-linter');
else {
  const missing = existsSync(cached) ? undefined : install();
  if (missing === undefined) lint(cached);
  else console.log(`skipped: ${missing}`);
}
