import { expect, test } from '@jest/globals';
import { join } from 'node:path';
import { summarize } from '../testing/skip-reporter.ts';

const file = (assertions: { status: string; fullName: string }[]) => ({
  testFilePath: join(process.cwd(), 'a', 'b.test.ts'),
  testResults: assertions,
});

const results = {
  testResults: [
    file([
      { status: 'passed', fullName: 'runs everywhere' },
      { status: 'pending', fullName: 'runs as root [skipped: needs root]' },
      { status: 'todo', fullName: 'is not written yet' },
    ]),
  ],
  numPassedTests: 1,
  numFailedTests: 2,
  numPendingTests: 1,
  numTodoTests: 1,
  numRuntimeErrorTestSuites: 0,
};

test('lists each skipped test with its reason, and the counts last', () => {
  expect(summarize(results).split('\n')).toEqual([
    'Skipped:',
    '  a/b.test.ts: runs as root (needs root)',
    '  a/b.test.ts: is not written yet (no reason given)',
    '1 passed, 2 failed, 2 skipped',
  ]);
});

test('counts a file that does not load as a failure', () => {
  const broken = { ...results, numFailedTests: 0, numRuntimeErrorTestSuites: 1 };
  expect(summarize(broken, false)).toBe('1 passed, 1 failed, 2 skipped');
});
