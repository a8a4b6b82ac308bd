import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PG_MIGRATE_LOCK_ID, runner } from 'node-pg-migrate';
import {
  appliedMigrations,
  migrate,
  requiredMigration,
  type MigrateOptions,
  type MigrationReport,
} from '../src/migrate.ts';
import { makeFixture, type Fixture } from './fixture.ts';

let fixture: Fixture;

const run = (options: Partial<MigrateOptions> = {}): Promise<MigrationReport> =>
  migrate({ databaseUrl: fixture.url, directory: fixture.directory, ...options });

beforeEach(async () => {
  fixture = await makeFixture();
  fixture.file('0001_one', 'CREATE TABLE one (id int);', 'DROP TABLE one;');
  fixture.file('0002_two', 'CREATE TABLE two (id int);', 'DROP TABLE two;');
});

afterEach(async () => {
  await fixture.dispose();
});

describe('up and down', () => {
  test('applies every migration to a new database once; a second run does nothing', async () => {
    expect(await run()).toEqual({ applied: ['0001_one', '0002_two'], current: '0002_two' });
    expect(await run()).toEqual({ applied: [], current: '0002_two' });
    expect(await fixture.tables()).toEqual(['one', 'two']);
    expect(requiredMigration(fixture.directory)).toBe('0002_two');
    expect(await appliedMigrations(await fixture.connect())).toEqual(['0001_one', '0002_two']);
  });

  test('a database without migrations has none applied', async () => {
    expect(await appliedMigrations(await fixture.connect())).toEqual([]);
  });

  test('down undoes the newest migration, or the given number', async () => {
    fixture.file('0003_three', 'CREATE TABLE three (id int);', 'DROP TABLE three;');
    await run();
    expect(await run({ direction: 'down' })).toEqual({
      applied: ['0003_three'],
      current: '0002_two',
    });
    expect(await run({ direction: 'down', count: 2 })).toEqual({
      applied: ['0002_two', '0001_one'],
      current: null,
    });
    expect(await fixture.tables()).toEqual([]);
    expect((await run()).current).toBe('0003_three');
  });

  test('accepts a file that was edited while it was undone', async () => {
    await run();
    await run({ direction: 'down' });
    fixture.file('0002_two', 'CREATE TABLE two_b (id int);', 'DROP TABLE two_b;');
    await run();
    expect((await run()).applied).toEqual([]);
    expect(await fixture.tables()).toEqual(['one', 'two_b']);
  });

  test('ignores other files in the folder', async () => {
    writeFileSync(join(fixture.directory, 'README.md'), 'nothing');
    writeFileSync(join(fixture.directory, 'broken.js'), 'throw new Error("ran");');
    expect((await run()).applied).toHaveLength(2);
  });
});

describe('runs at the same time', () => {
  test('of five runs at the same time one applies and four wait and do nothing', async () => {
    const reports = await Promise.all(Array.from({ length: 5 }, () => run()));
    expect(reports.map(({ applied }) => applied.length).sort()).toEqual([0, 0, 0, 0, 2]);
    expect(new Set(reports.map(({ current }) => current))).toEqual(new Set(['0002_two']));
  });

  test('without the lock one of two runs at the same time fails (control)', async () => {
    // Both are held in the first migration, so that neither has seen the other's.
    fixture.file('0001_one', 'SELECT pg_advisory_xact_lock(1); CREATE TABLE one (id int);', '');
    const gate = await fixture.connect();
    await gate.query('SELECT pg_advisory_lock(1)');
    let ended = 0;
    const unlocked = (): Promise<unknown> =>
      runner({
        databaseUrl: fixture.url,
        dir: fixture.directory,
        direction: 'up',
        migrationsTable: 'pgmigrations',
        noLock: true,
        log: () => undefined,
      }).finally(() => {
        ended += 1;
      });
    const both = Promise.allSettled([unlocked(), unlocked()]);
    const held = async (): Promise<number> => {
      const waiting = await gate.query<{ count: number }>(
        `SELECT count(*)::int FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
           AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
      );
      return waiting.rows[0]?.count ?? 0;
    };
    while ((await held()) + ended < 2);
    await gate.query('SELECT pg_advisory_unlock(1)');
    const results = await both;
    expect(results.some(({ status }) => status === 'rejected')).toBe(true);
  });

  test('stops waiting for another run after the time-out, with an error that names it', async () => {
    const other = await fixture.connect();
    await other.query('select pg_advisory_lock($1)', [PG_MIGRATE_LOCK_ID]);
    const logged: string[] = [];
    const impatient = { lockTimeoutSeconds: 1, log: (message: string) => logged.push(message) };
    await expect(run(impatient)).rejects.toThrow('has been running on this database for 1 s');
    expect(logged).toEqual([expect.stringContaining('waiting up to 1 s')]);
    await other.query('select pg_advisory_unlock($1)', [PG_MIGRATE_LOCK_ID]);
    expect((await run(impatient)).applied).toHaveLength(2);
  });
});

describe('refusals', () => {
  test('refuses an edited applied migration, says what to do, and runs nothing', async () => {
    await run();
    fixture.file('0001_one', 'CREATE TABLE one (id bigint);', 'DROP TABLE one;');
    fixture.file('0003_three', 'CREATE TABLE three (id int);');
    await expect(run()).rejects.toThrow(
      /^0001_one\.sql was edited after .* into a new migration\. If this is a development database/,
    );
    expect(await fixture.tables()).toEqual(['one', 'two']);
  });

  test('accepts an applied file with other line endings', async () => {
    await run();
    writeFileSync(
      join(fixture.directory, '0001_one.sql'),
      '-- Up Migration\r\nCREATE TABLE one (id int);\r\n\r\n-- Down Migration\r\nDROP TABLE one;\r\n',
    );
    expect((await run()).applied).toEqual([]);
  });

  test('refuses a database that is ahead of the files, up and down', async () => {
    await run();
    fixture.remove('0002_two');
    await expect(run()).rejects.toThrow(
      /ahead of this program: 0002_two\.sql is applied.*program is 0001_one\.sql.*down 1/,
    );
    await expect(run({ direction: 'down' })).rejects.toThrow('ahead of this program');
    expect(await fixture.tables()).toEqual(['one', 'two']);
  });

  test('names the missing file of an applied migration', async () => {
    await run();
    fixture.remove('0001_one');
    await expect(run()).rejects.toThrow(
      '0001_one.sql is applied to the database, but the file is missing',
    );
  });

  test('refuses a new file that sorts before an applied one', async () => {
    fixture.remove('0001_one');
    await run();
    fixture.file('0001_late', 'CREATE TABLE late (id int);');
    await expect(run()).rejects.toThrow(/0001_late\.sql is older than 0002_two\.sql/);
    fixture.remove('0001_late');
    fixture.file('0003_late', 'CREATE TABLE late (id int);');
    expect((await run()).applied).toEqual(['0003_late']);
  });

  test('rolls back every migration of a run that fails, which can be repeated', async () => {
    fixture.file('0003_bad', 'CREATE TABLE three (id int); INSERT INTO nowhere VALUES (1);');
    await expect(run()).rejects.toThrow(
      /^0003_bad\.sql \(up\) failed: relation "nowhere" does not exist.*rolled back/,
    );
    expect(await fixture.tables()).toEqual([]);
    fixture.file('0003_bad', 'CREATE TABLE three (id int);');
    expect((await run()).applied).toEqual(['0001_one', '0002_two', '0003_bad']);
  });

  test('refuses a file without a valid name or without markers', async () => {
    writeFileSync(join(fixture.directory, '0003_x.sql'), 'CREATE TABLE x (id int);');
    await expect(run()).rejects.toThrow('0003_x.sql needs exactly one line "-- Up Migration"');
    fixture.remove('0003_x');
    fixture.file('3-x', 'SELECT 1;');
    await expect(run()).rejects.toThrow('does not have a name like 0001_what_it_does.sql');
    fixture.remove('3-x');
    fixture.file('0002_again', 'SELECT 1;');
    await expect(run()).rejects.toThrow('have the same number');
    expect(await fixture.tables()).toEqual([]);
  });

  test('the error for an unreachable database names its address and the settings', async () => {
    await expect(run({ databaseUrl: 'postgres://a:b@127.0.0.1:1/c' })).rejects.toThrow(
      /^Cannot connect to the database at 127\.0\.0\.1:1 .*Check DATABASE_URL/,
    );
  });

  test('requiredMigration fails without migrations', () => {
    fixture.remove('0001_one');
    fixture.remove('0002_two');
    expect(() => requiredMigration(fixture.directory)).toThrow('contains no migrations');
  });
});
