import { createHash } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { startProgram, type StartedProgram } from '@movie-ticketing/kit/testing/started-program';
import { until } from '@movie-ticketing/kit/testing/until';

const script = join(import.meta.dirname, '../install-if-missing.mjs');

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'movie-ticketing-install-test-'));
  mkdirSync(join(root, 'scripts'));
  mkdirSync(join(root, 'bin'));
  copyFileSync(script, join(root, 'scripts/install-if-missing.mjs'));
  writeFileSync(join(root, 'package-lock.json'), JSON.stringify(lock));
});
afterEach(() => {
  rmSync(root, { recursive: true, force: true });
});

const lock = {
  packages: {
    '': { name: 'x' },
    'services/one': { version: '1.0.0' },
    'node_modules/one': { link: true, resolved: 'services/one' },
    'node_modules/express': { version: '5.0.0' },
    'node_modules/for-a-mac': { version: '1.0.0', optional: true, os: ['darwin'], cpu: ['arm64'] },
  },
};
const lockHash = createHash('sha256').update(JSON.stringify(lock)).digest('hex');
const marker = (): string => join(root, 'node_modules/.installed-lock-hash');

/** An npm that records each call and then runs these lines of shell. */
const fakeNpm = (lines: string): void => {
  writeFileSync(join(root, 'bin/npm'), `#!/bin/sh\necho "$1" >> "${root}/calls"\n${lines}\n`, {
    mode: 0o755,
  });
};
const calls = (): string[] =>
  existsSync(join(root, 'calls'))
    ? readFileSync(join(root, 'calls'), 'utf8').trim().split('\n')
    : [];

const begin = (): StartedProgram =>
  startProgram(join(root, 'scripts/install-if-missing.mjs'), [], {
    PATH: `${join(root, 'bin')}:/usr/bin:/bin`,
  });

const run = async (): Promise<{ code: number | null; output: string }> => {
  const { output, ended } = begin();
  const code = await ended;
  return { code, output: output() };
};

const installed = (packages: object): void => {
  mkdirSync(join(root, 'node_modules'), { recursive: true });
  writeFileSync(join(root, 'node_modules/.package-lock.json'), JSON.stringify({ packages }));
};

test('runs npm ci once, and not again at the next start', async () => {
  fakeNpm(`mkdir -p "${root}/node_modules"`);
  const first = await run();
  expect([first.code, calls()]).toEqual([0, ['ci']]);
  expect(first.output).toMatch(/Installing[\s\S]*Installed/);
  expect(readFileSync(marker(), 'utf8')).toBe(lockHash);
  expect(await run()).toEqual({ code: 0, output: '' });
  expect(calls()).toEqual(['ci']);
});

test('accepts an installation that was made with npm', async () => {
  fakeNpm('exit 1');
  installed({ 'node_modules/express': { version: '5.0.0' } });
  expect(await run()).toEqual({ code: 0, output: '' });
  expect(calls()).toEqual([]);
});

test('links a workspace that npm has not linked yet, and runs no npm', async () => {
  fakeNpm('exit 1');
  installed({ 'node_modules/express': { version: '5.0.0' } });
  mkdirSync(join(root, 'services/one'), { recursive: true });
  writeFileSync(join(root, 'services/one/package.json'), '{"name": "one"}');
  expect(await run()).toEqual({ code: 0, output: '' });
  expect(readFileSync(join(root, 'node_modules/one/package.json'), 'utf8')).toContain('"one"');
  expect(calls()).toEqual([]);
});

test('runs npm ci when a package has another version', async () => {
  fakeNpm('exit 0');
  installed({ 'node_modules/express': { version: '4.0.0' } });
  expect((await run()).code).toBe(0);
  expect(calls()).toEqual(['ci']);
});

test('runs npm ci when the lock file has changed', async () => {
  fakeNpm('exit 0');
  mkdirSync(join(root, 'node_modules'));
  writeFileSync(marker(), 'of another lock file');
  expect((await run()).code).toBe(0);
  expect(calls()).toEqual(['ci']);
});

test('reports an unreachable registry, and tries again at the next start', async () => {
  fakeNpm('echo "npm error code ENOTFOUND" >&2; exit 1');
  const { code, output } = await run();
  expect(code).toBe(1);
  expect(output).toMatch(/registry cannot be reached/);
  expect(existsSync(marker())).toBe(false);
  expect((await run()).code).toBe(1);
  expect(calls()).toEqual(['ci', 'ci']);
});

test('installs by the lock file when npm ci finds it out of sync', async () => {
  fakeNpm(
    `if [ "$1" = ci ]; then echo "npm error code EUSAGE" >&2; exit 1; fi; mkdir -p "${root}/node_modules"`,
  );
  expect((await run()).code).toBe(0);
  expect(calls()).toEqual(['ci', 'install']);
});

test('installs once when two start at the same time: the second waits for the first', async () => {
  fakeNpm(`until [ -e "${root}/continue" ]; do sleep 0.05; done; mkdir -p "${root}/node_modules"`);
  const first = begin();
  await until(() => calls().length === 1);
  const second = begin();
  await until(() => second.output().includes('waiting for it'));
  writeFileSync(join(root, 'continue'), '');
  expect(await Promise.all([first.ended, second.ended])).toEqual([0, 0]);
  expect(calls()).toEqual(['ci']);
});
