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

function command(args: string[], env: Record<string, string>): { status: number; said: string } {
  const ran = spawnSync(process.execPath, [MAIN, ...args], { env, encoding: 'utf8' });
  return { status: ran.status ?? -1, said: ran.stdout + ran.stderr };
}

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
    const { status, said } = command([], env);
    expect(said).toMatch(new RegExp(`^${variable} `));
    expect(said).not.toContain('secret');
    expect(status).toBe(2);
  });

  test.each(['sideways', 'down 0', 'down x', 'up 1', 'down 1 2'])(
    'when it is called with "%s", then it shows its usage and exits with 2',
    (args) => {
      const { status, said } = command(args.split(' '), DB);
      expect(said).toContain('Usage: npm run migrate');
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

  test("when it runs on an empty database, then the project's own files go up, down and up", () => {
    const env = { DATABASE_URL: fixture.url };
    const newest = requiredMigration();
    expect(command([], env)).toEqual({ status: 0, said: expect.stringContaining(newest) });
    expect(command([], env).said).toBe(`Nothing to do; the database is at ${newest}\n`);
    expect(command(['down', '999'], env).said).toContain('the database is at no migration');
    expect(command([], env)).toEqual({ status: 0, said: expect.stringContaining(newest) });
  });

  test('when the database is not there, then it exits with 4 and says why, in the file too', () => {
    const folder = mkdtempSync(join(tmpdir(), 'migrate-'));
    const file = join(folder, 'message');
    const { status, said } = command([], {
      DATABASE_URL: 'postgres://a:b@127.0.0.1:1/c',
      TERMINATION_MESSAGE_FILE: file,
    });
    expect(said).toMatch(/^Cannot connect/);
    expect(status).toBe(4);
    expect(`${readFileSync(file, 'utf8')}\n`).toBe(said);
    rmSync(folder, { recursive: true });
  });

  test('when the database is ahead of the program, then it exits with 3', async () => {
    const env = { DATABASE_URL: fixture.url };
    command([], env);
    const client = new Client({ connectionString: fixture.url });
    await client.connect();
    await client.query(
      "insert into pgmigrations (name, run_on) values ('9999_from_the_future', now())",
    );
    await client.end();
    const { status, said } = command([], env);
    expect(said).toContain('ahead of this program');
    expect(status).toBe(3);
  });
});
