import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, test } from '@jest/globals';

import { reasons } from '../../src/steps/reasons.ts';

const manual = readFileSync(join(import.meta.dirname, '../../../docs/operate.md'), 'utf8');
const documented = manual
  .split('## Every reason')[1]
  ?.split('\n## ')[0]
  ?.split('\n')
  .filter((line) => line.startsWith('| '))
  .slice(2)
  .flatMap((line) => line.split('|')[1]?.trim().split(', ') ?? []);

describe('docs/operate.md', () => {
  test('lists every reason of a condition, and no other', () => {
    expect([...(documented ?? [])].sort()).toEqual(Object.keys(reasons).sort());
  });
});
