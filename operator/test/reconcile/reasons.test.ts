import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, test } from '@jest/globals';

import { reasons } from '../../src/steps/reasons.ts';

const manual = readFileSync(
  join(import.meta.dirname, '../../../docs/conditions-and-cures.md'),
  'utf8',
);
const documented = manual
  .split('## Reasons')[1]
  ?.split('\n## ')[0]
  ?.split('\n')
  .flatMap((line) => /^\| ([A-Z][\w, ]*?) *\|/.exec(line)?.[1]?.split(', ') ?? []);

describe('docs/conditions-and-cures.md', () => {
  test('lists every reason of a condition, and no other', () => {
    expect([...(documented ?? [])].sort()).toEqual(Object.keys(reasons).sort());
  });
});
