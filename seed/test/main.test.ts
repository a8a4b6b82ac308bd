import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

import { describe, expect, test } from '@jest/globals';

const main = fileURLToPath(new URL('../src/main.ts', import.meta.url));

function run(environment: Record<string, string>): { status: number | null; stderr: string } {
  return spawnSync(process.execPath, [main], {
    env: { PATH: process.env['PATH'], ...environment },
    encoding: 'utf8',
  });
}

describe('npm run seed', () => {
  test.each([
    ['SEED', 'lots', 'demo, folder, none'],
    ['SEED', 'folder', 'SEED_DIR'],
    ['CURRENCY', 'dollars', 'ISO 4217'],
    ['BCRYPT_COST', 'high', 'whole number'],
    ['DATABASE_URL', 'somewhere', 'postgres://'],
  ])('when %s is bad, then it is named with what it should be', (name, value, should) => {
    const { status, stderr } = run({ DATABASE_URL: 'postgres://localhost/none', [name]: value });
    expect(stderr).toContain(name);
    expect(stderr).toContain(should);
    expect(status).toBe(2);
  });

  test('when no database is named, then the exit code is 2', () => {
    const { status, stderr } = run({});
    expect(stderr).toContain('DATABASE_URL');
    expect(status).toBe(2);
  });

  test('when SEED is none, then no database is needed to be there', () => {
    expect(run({ DATABASE_URL: 'postgres://127.0.0.1:1/none', SEED: 'none' }).status).toBe(0);
  });
});
