import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createTestDatabase, type TestDatabase } from '@movie-ticketing/kit/testing/database';

import { makeSeedFolder, theater, type SeedFolder } from '../testing/seed-folder.ts';

const main = fileURLToPath(new URL('../src/main.ts', import.meta.url));

const run = (
  environment: Record<string, string>,
): { status: number | null; stdout: string; stderr: string } =>
  spawnSync(process.execPath, [main], {
    env: { PATH: process.env['PATH'], ...environment },
    encoding: 'utf8',
  });

describe('npm run seed', () => {
  test.each([
    ['SEED', 'lots', 'demo, folder, none'],
    ['SEED', 'folder', 'SEED_DIR'],
    ['CURRENCY', 'dollars', 'ISO 4217'],
    ['BCRYPT_COST', 'high', 'whole number'],
    ['DATABASE_URL', 'somewhere', 'postgres://'],
  ])('rejects a bad %s with exit code 2 and says what it should be: %s', (name, value, should) => {
    const { status, stderr } = run({ DATABASE_URL: 'postgres://localhost/none', [name]: value });
    expect(stderr).toContain(name);
    expect(stderr).toContain(should);
    expect(status).toBe(2);
  });

  test('exits with 2 without a database URL', () => {
    const { status, stderr } = run({});
    expect(stderr).toContain('DATABASE_URL');
    expect(status).toBe(2);
  });

  test('connects to no database where SEED is none', () => {
    expect(run({ DATABASE_URL: 'postgres://127.0.0.1:1/none', SEED: 'none' }).status).toBe(0);
  });

  test('an unreachable database exits with 1 and one line, without a stack', () => {
    const { status, stderr } = run({ DATABASE_URL: 'postgres://127.0.0.1:1/none' });
    expect(status).toBe(1);
    expect(stderr).toMatch(/^Seeding failed: .*ECONNREFUSED.*\n$/);
  });

  describe('with a database', () => {
    let database: TestDatabase;
    let folder: SeedFolder;

    beforeEach(async () => {
      database = await createTestDatabase();
      folder = makeSeedFolder();
    });

    afterEach(async () => {
      folder.remove();
      await database.drop();
    });

    test('loads the demo and prints its sign-ins, on the first run alone', () => {
      const environment = { DATABASE_URL: database.url, BCRYPT_COST: '4' };
      const first = run(environment);
      expect(first.stderr).toBe('');
      expect(first.stdout).toMatch(
        /^Seed data loaded: 50 movies, 8 theaters, \d+ screenings, 2 users\.$/m,
      );
      expect(first.stdout).toContain('customer: alice@example.com');
      const second = run(environment);
      expect(second).toMatchObject({ status: 0, stdout: 'Seed data already loaded.\n' });
    });

    test('an invalid file exits with 2 and the place, in the termination message too', () => {
      folder.write('theaters.json', [{ ...theater, time_zone: '+01:00' }]);
      const message = 'theaters.json[0].time_zone: must be an IANA time zone like Europe/London';
      const terminationMessage = join(folder.path, 'termination-message');
      const { status, stderr } = run({
        DATABASE_URL: database.url,
        SEED: 'folder',
        SEED_DIR: folder.path,
        TERMINATION_MESSAGE_FILE: terminationMessage,
      });
      expect([status, stderr]).toEqual([2, `${message}\n`]);
      expect(readFileSync(terminationMessage, 'utf8')).toBe(message);
    });

    test('a database without migrations exits with 1 and one line', async () => {
      const empty = await createTestDatabase({ empty: true });
      const { status, stderr } = run({ DATABASE_URL: empty.url });
      await empty.drop();
      expect([status, stderr]).toEqual([
        1,
        'Seeding failed: relation "seed_runs" does not exist. Run the migrations first.\n',
      ]);
    });
  });
});
