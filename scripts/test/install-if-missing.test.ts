import { spawn } from 'node:child_process';
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

/** An npm that notes each call and then does as told. */
const fakeNpm = (behaviour: string): void => {
  writeFileSync(join(root, 'bin/npm'), `#!/bin/sh\necho "$1" >> "${root}/calls"\n${behaviour}\n`, {
    mode: 0o755,
  });
};
const calls = (): string[] =>
  existsSync(join(root, 'calls'))
    ? readFileSync(join(root, 'calls'), 'utf8').trim().split('\n')
    : [];

const run = (): Promise<{ code: number | null; output: string }> =>
  new Promise((resolve) => {
    const child = spawn(process.execPath, [join(root, 'scripts/install-if-missing.mjs')], {
      env: { PATH: `${join(root, 'bin')}:/usr/bin:/bin` },
    });
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.on('close', (code) => {
      resolve({ code, output });
    });
  });

const installed = (packages: object): void => {
  mkdirSync(join(root, 'node_modules'), { recursive: true });
  writeFileSync(join(root, 'node_modules/.package-lock.json'), JSON.stringify({ packages }));
};

test('when nothing is installed, then npm ci runs once, and the next start asks nobody', async () => {
  fakeNpm(`mkdir -p "${root}/node_modules"`);
  const first = await run();
  expect([first.code, calls()]).toEqual([0, ['ci']]);
  expect(first.output).toMatch(/Installing[\s\S]*Installed/);
  expect(readFileSync(marker(), 'utf8')).toBe(lockHash);
  expect(await run()).toEqual({ code: 0, output: '' });
  expect(calls()).toEqual(['ci']);
});

test('when somebody ran npm themselves, then what they have is taken', async () => {
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

test('when what is installed is of another version, then npm ci runs', async () => {
  fakeNpm('exit 0');
  installed({ 'node_modules/express': { version: '4.0.0' } });
  expect((await run()).code).toBe(0);
  expect(calls()).toEqual(['ci']);
});

test('when the lock file changed since, then npm ci runs', async () => {
  fakeNpm('exit 0');
  mkdirSync(join(root, 'node_modules'));
  writeFileSync(marker(), 'of another lock file');
  expect((await run()).code).toBe(0);
  expect(calls()).toEqual(['ci']);
});

test('when the registry cannot be reached, then it says so, and the next start tries again', async () => {
  fakeNpm('echo "npm error code ENOTFOUND" >&2; exit 1');
  const { code, output } = await run();
  expect(code).toBe(1);
  expect(output).toMatch(/registry cannot be reached/);
  expect(existsSync(marker())).toBe(false);
  expect((await run()).code).toBe(1);
  expect(calls()).toEqual(['ci', 'ci']);
});

test('when this npm finds the lock file out of step, then it installs by it all the same', async () => {
  fakeNpm(
    `if [ "$1" = ci ]; then echo "npm error code EUSAGE" >&2; exit 1; fi; mkdir -p "${root}/node_modules"`,
  );
  expect((await run()).code).toBe(0);
  expect(calls()).toEqual(['ci', 'install']);
});

test('when two start at once, then one installs and the other waits for it', async () => {
  fakeNpm(`sleep 0.5; mkdir -p "${root}/node_modules"`);
  const both = await Promise.all([run(), run()]);
  expect(both.map(({ code }) => code)).toEqual([0, 0]);
  expect(calls()).toEqual(['ci']);
  expect(both.map(({ output }) => output).join('')).toMatch(/waiting for it/);
});
