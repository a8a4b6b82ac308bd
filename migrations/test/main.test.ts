import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client } from 'pg';
import { requiredMigration } from '../src/migrate.ts';
import { makeFixture, type Fixture } from './fixture.ts';

const MAIN = fileURLToPath(new URL('../src/main.ts', import.meta.url));
const DB = { DB_HOST: 'db', DB_USER: 'me', DB_PASSWORD: 'p@ss/word', DB_NAME: 'tickets' };

const command = (
  args: string[],
  env: Record<string, string>,
): { status: number; output: string } => {
  const ran = spawnSync(process.execPath, [MAIN, ...args], { env, encoding: 'utf8' });
  return { status: ran.status ?? -1, output: ran.stdout + ran.stderr };
};

describe('the settings', () => {
  test.each([
    ['DATABASE_URL', { DATABASE_URL: 'mysql://secret@h/d' }],
    ['DATABASE_URL', { DATABASE_URL: 'nonsense-secret' }],
    ['DATABASE_URL', {}],
    ['DB_HOST', { ...DB, DB_HOST: 'my host' }],
    ['DB_PORT', { ...DB, DB_PORT: '99999' }],
    ['DB_SSLMODE', { ...DB, DB_SSLMODE: 'maybe' }],
    ['DB_SSLROOTCERT', { ...DB, DB_SSLMODE: 'verify-ca' }],
    ['DB_SSLROOTCERT', { ...DB, DB_SSLMODE: 'verify-full', DB_SSLROOTCERT: '/no/such/file' }],
  ])('names %s in %j and exits with 2', (variable, env) => {
    const { status, output } = command([], env);
    expect(output).toMatch(new RegExp(`^${variable} `));
    expect(output).not.toContain('secret');
    expect(status).toBe(2);
  });

  test.each(['sideways', 'down 0', 'down x', 'up 1', 'down 1 2'])(
    'for "%s" it prints its usage and exits with code 2',
    (args) => {
      const { status, output } = command(args.split(' '), DB);
      expect(output).toContain('Usage: npm run migrate');
      expect(status).toBe(2);
    },
  );
});

describe('the command', () => {
  let fixture: Fixture;

  beforeEach(async () => {
    fixture = await makeFixture();
  });

  afterEach(async () => {
    await fixture.dispose();
  });

  test("the project's own migrations go up, down and up again", () => {
    const env = { DATABASE_URL: fixture.url };
    const newest = requiredMigration();
    expect(command([], env)).toEqual({ status: 0, output: expect.stringContaining(newest) });
    expect(command([], env).output).toBe(`Nothing to do; the database is at ${newest}\n`);
    expect(command(['down', '999'], env).output).toContain('the database is at no migration');
    expect(command([], env)).toEqual({ status: 0, output: expect.stringContaining(newest) });
  });

  test('exits with code 4 for an unreachable database, with the reason in the termination message', () => {
    const folder = mkdtempSync(join(tmpdir(), 'migrate-'));
    const file = join(folder, 'message');
    const { status, output } = command([], {
      DATABASE_URL: 'postgres://a:b@127.0.0.1:1/c',
      TERMINATION_MESSAGE_FILE: file,
    });
    expect(output).toMatch(/^Cannot connect/);
    expect(status).toBe(4);
    expect(`${readFileSync(file, 'utf8')}\n`).toBe(output);
    rmSync(folder, { recursive: true });
  });

  test('exits with code 3 for a database that is ahead of the program', async () => {
    const env = { DATABASE_URL: fixture.url };
    command([], env);
    const client = new Client({ connectionString: fixture.url });
    await client.connect();
    await client.query(
      "insert into pgmigrations (name, run_on) values ('9999_from_the_future', now())",
    );
    await client.end();
    const { status, output } = command([], env);
    expect(output).toContain('ahead of this program');
    expect(status).toBe(3);
  });
});
