import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { generatedFiles } from './generated-files.ts';

const root = join(import.meta.dirname, '..');

const readOrEmpty = (file: string): string => {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
};

const stale = generatedFiles().filter(
  ({ path, content }) => readOrEmpty(join(root, path)) !== content,
);

if (process.argv.includes('--check')) {
  for (const { path } of stale) console.error(`${path} is stale: run npm run generate`);
  process.exitCode = stale.length === 0 ? 0 : 1;
} else {
  for (const { path, content } of stale) {
    writeFileSync(join(root, path), content);
    console.log(`wrote ${path}`);
  }
  if (stale.length === 0) console.log('every generated file is up to date');
}
