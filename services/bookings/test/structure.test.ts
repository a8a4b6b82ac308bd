import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, test } from '@jest/globals';

const source = join(import.meta.dirname, '../src');
const files = globSync('**/*.ts', { cwd: source }).map((path) => ({
  path,
  text: readFileSync(join(source, path), 'utf8'),
}));

type Rule = { pattern: RegExp; allowedIn: RegExp };

const violations = ({ pattern, allowedIn }: Rule, among = files): string[] =>
  among
    .filter(({ path, text }) => !allowedIn.test(path) && pattern.test(text))
    .map(({ path }) => path);

/** A rule, and text that breaks it: the control shows that the pattern finds the violation. */
const rules: [name: string, rule: Rule, example: string][] = [
  [
    'only seats/ names available_seats',
    { pattern: /available_seats/, allowedIn: /^seats\// },
    'UPDATE screenings SET available_seats = 1',
  ],
  [
    'only handlers and endpoints name HTTP statuses',
    {
      pattern: /\bstatus: [1-5]\d\d\b|\b(200|201|202|402|409)\b/,
      allowedIn: /\.(handlers|endpoints|schema|environment|metrics)\.ts$/,
    },
    'return { status: 201 }',
  ],
  [
    'only handlers name headers',
    { pattern: /\bheaders\b|Location|Idempotent-Replayed/, allowedIn: /\.handlers\.ts$/ },
    'headers: { Location: path }',
  ],
  [
    'only the audit serializes JSON',
    { pattern: /JSON\.stringify/, allowedIn: /^audit\.ts$/ },
    'JSON.stringify(booking)',
  ],
  [
    'no statement numbers more than five parameters by hand',
    { pattern: /\$([6-9]|\d\d)\b/, allowedIn: /^$/ },
    'VALUES ($1, $2, $3, $4, $5, $6)',
  ],
];

describe('the structure of bookings', () => {
  test('finds the source files', () => {
    expect(files.map(({ path }) => path)).toContain('seats/seats.repository.ts');
  });

  test.each(rules)('%s', (_name, rule) => {
    expect(violations(rule)).toEqual([]);
  });

  test.each(rules)('control: a violation of "%s" is found', (_name, rule, example) => {
    expect(violations(rule, [{ path: 'batch/run-batch.ts', text: example }])).toEqual([
      'batch/run-batch.ts',
    ]);
  });
});
