import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { createTestDatabase, type TestDatabase } from '@movie-ticketing/kit/testing/database';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

import { startProcess } from '../testing/started-process.ts';

/** Settings whose error is noticed only when they are used. */

const folder = mkdtempSync(join(tmpdir(), 'movie-ticketing-settings-'));
let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(async () => {
  await database.drop();
  rmSync(folder, { recursive: true, force: true });
});

const expectRefusal = async (environment: Record<string, string>, line: RegExp): Promise<void> => {
  const server = startProcess(environment);
  expect((await server.exited).code).toBe(2);
  expect(server.output()).toMatch(line);
  expect(server.output()).not.toMatch(/\n +at /);
};

describe('HOST', () => {
  test.each([
    ['an address of another machine', '203.0.113.1'],
    ['a link-local address without its interface', 'fe80::1'],
    ['an unknown name', 'no-such-host.invalid'],
    ['a text that is not a name', 'my host'],
    ['a name that is too long', 'a'.repeat(300)],
  ])(
    '%s is refused with exit code 2 and no stack',
    async (_title, host) => {
      await expectRefusal(
        { HOST: host, DATABASE_URL: database.url, SEED: 'none', ADMIN_PASSWORD: 'a long password' },
        /^HOST must be an address of this machine/m,
      );
    },
    120_000,
  );
});

describe('DATA_DIR', () => {
  const file = join(folder, 'file');
  writeFileSync(file, '');
  test.each([
    ['a file', file],
    ['a path below a file', join(file, 'data')],
    ['a name that is too long', join(folder, 'a'.repeat(300))],
    ['a folder where nothing can be made', '/proc/x/data'],
  ])(
    '%s is refused with exit code 2 and no stack',
    async (_title, dataDir) => {
      await expectRefusal({ DATA_DIR: dataDir }, /^DATA_DIR must be a writable folder\./m);
    },
    120_000,
  );
});
