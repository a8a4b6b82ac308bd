import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, expect, test } from '@jest/globals';

import { watchFiles } from '../changed-files.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'movie-ticketing-changed-files-'));
  mkdirSync(join(folder, 'src'));
  write('src/one.ts', 'one');
  write('src/two.ts', 'two');
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

const write = (path: string, content: string): void => {
  writeFileSync(join(folder, path), content);
};
const replace = (path: string, content: string): void => {
  write('incoming', content);
  renameSync(join(folder, 'incoming'), join(folder, path));
};

test('finds a file that was replaced, added or deleted, and each change once', () => {
  const changed = watchFiles([join(folder, 'src')]);
  expect(changed()).toEqual([]);
  replace('src/one.ts', 'edited');
  expect(changed()).toEqual([join(folder, 'src/one.ts')]);
  expect(changed()).toEqual([]);
  write('src/three.ts', 'three');
  rmSync(join(folder, 'src/two.ts'));
  expect(changed().toSorted()).toEqual(
    ['src/three.ts', 'src/two.ts'].map((path) => join(folder, path)),
  );
});

test('ignores a file that was replaced by the same content', () => {
  const changed = watchFiles([join(folder, 'src')]);
  replace('src/one.ts', 'one');
  expect(changed()).toEqual([]);
  replace('src/one.ts', 'ONE'); // control: of the same length
  expect(changed()).toEqual([join(folder, 'src/one.ts')]);
});
