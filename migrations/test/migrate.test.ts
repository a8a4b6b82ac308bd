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
  test('when a database is new, then all is applied once, and a second run does nothing', async () => {
    expect(await run()).toEqual({ applied: ['0001_one', '0002_two'], current: '0002_two' });
    expect(await run()).toEqual({ applied: [], current: '0002_two' });
    expect(await fixture.tables()).toEqual(['one', 'two']);
    expect(requiredMigration(fixture.directory)).toBe('0002_two');
    expect(await appliedMigrations(await fixture.connect())).toEqual(['0001_one', '0002_two']);
  });

  test('when no migration ever ran, then none is reported as applied', async () => {
    expect(await appliedMigrations(await fixture.connect())).toEqual([]);
  });

  test('when it goes down, then the newest is undone, or as many as asked for', async () => {
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

  test('when a file was undone, edited and applied again, then its new text is the right one', async () => {
    await run();
    await run({ direction: 'down' });
    fixture.file('0002_two', 'CREATE TABLE two_b (id int);', 'DROP TABLE two_b;');
    await run();
    expect((await run()).applied).toEqual([]);
    expect(await fixture.tables()).toEqual(['one', 'two_b']);
  });

  test('when other files lie in the folder, then they are not run', async () => {
    writeFileSync(join(fixture.directory, 'README.md'), 'nothing');
    writeFileSync(join(fixture.directory, 'broken.js'), 'throw new Error("ran");');
    expect((await run()).applied).toHaveLength(2);
  });
});

describe('many at once', () => {
  test('when five runs start together, then one applies and four wait and find nothing', async () => {
    const reports = await Promise.all(Array.from({ length: 5 }, () => run()));
    expect(reports.map(({ applied }) => applied.length).sort()).toEqual([0, 0, 0, 0, 2]);
    expect(new Set(reports.map(({ current }) => current))).toEqual(new Set(['0002_two']));
  });

  test('when two runs go without the lock, then one fails: the lock is what helps', async () => {
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

  test('when another run does not end, then the wait ends with an error that names it', async () => {
    const other = await fixture.connect();
    await other.query('select pg_advisory_lock($1)', [PG_MIGRATE_LOCK_ID]);
    const said: string[] = [];
    const impatient = { lockTimeoutSeconds: 1, log: (message: string) => said.push(message) };
    await expect(run(impatient)).rejects.toThrow('has been running on this database for 1 s');
    expect(said).toEqual([expect.stringContaining('waiting up to 1 s')]);
    await other.query('select pg_advisory_unlock($1)', [PG_MIGRATE_LOCK_ID]);
    expect((await run(impatient)).applied).toHaveLength(2);
  });
});

describe('what is refused', () => {
  test('when an applied file was edited, then its name is told and nothing runs', async () => {
    await run();
    fixture.file('0001_one', 'CREATE TABLE one (id bigint);', 'DROP TABLE one;');
    fixture.file('0003_three', 'CREATE TABLE three (id int);');
    await expect(run()).rejects.toThrow(/^0001_one\.sql was edited after/);
    expect(await fixture.tables()).toEqual(['one', 'two']);
  });

  test('when only its line endings changed, then it is the same file', async () => {
    await run();
    writeFileSync(
      join(fixture.directory, '0001_one.sql'),
      '-- Up Migration\r\nCREATE TABLE one (id int);\r\n\r\n-- Down Migration\r\nDROP TABLE one;\r\n',
    );
    expect((await run()).applied).toEqual([]);
  });

  test('when the database is ahead of the files, then it is left alone, both ways', async () => {
    await run();
    fixture.remove('0002_two');
    await expect(run()).rejects.toThrow(
      /ahead of this program: it has 0002_two\.sql.*newest is 0001_one\.sql.*down 1/,
    );
    await expect(run({ direction: 'down' })).rejects.toThrow('ahead of this program');
    expect(await fixture.tables()).toEqual(['one', 'two']);
  });

  test('when the file of an older applied migration is gone, then it says which', async () => {
    await run();
    fixture.remove('0001_one');
    await expect(run()).rejects.toThrow('has 0001_one.sql, and the file is gone');
  });

  test('when a file comes late, then it is refused until it comes last', async () => {
    fixture.remove('0001_one');
    await run();
    fixture.file('0001_late', 'CREATE TABLE late (id int);');
    await expect(run()).rejects.toThrow(/0001_late\.sql comes too late: 0002_two\.sql/);
    fixture.remove('0001_late');
    fixture.file('0003_late', 'CREATE TABLE late (id int);');
    expect((await run()).applied).toEqual(['0003_late']);
  });

  test('when one of several fails, then all are rolled back, and the run can be repeated', async () => {
    fixture.file('0003_bad', 'CREATE TABLE three (id int); INSERT INTO nowhere VALUES (1);');
    await expect(run()).rejects.toThrow(
      /^0003_bad\.sql \(up\) failed: relation "nowhere" does not exist.*rolled back/,
    );
    expect(await fixture.tables()).toEqual([]);
    fixture.file('0003_bad', 'CREATE TABLE three (id int);');
    expect((await run()).applied).toEqual(['0001_one', '0002_two', '0003_bad']);
  });

  test('when a file has no name or marker as it should, then nothing runs', async () => {
    writeFileSync(join(fixture.directory, '0003_x.sql'), 'CREATE TABLE x (id int);');
    await expect(run()).rejects.toThrow('0003_x.sql needs exactly one line "-- Up Migration"');
    fixture.remove('0003_x');
    fixture.file('3-x', 'SELECT 1;');
    await expect(run()).rejects.toThrow('is not named like 0001_what_it_does.sql');
    fixture.remove('3-x');
    fixture.file('0002_again', 'SELECT 1;');
    await expect(run()).rejects.toThrow('have the same number');
    expect(await fixture.tables()).toEqual([]);
  });

  test('when the database does not answer, then the error says where and what to check', async () => {
    await expect(run({ databaseUrl: 'postgres://a:b@127.0.0.1:1/c' })).rejects.toThrow(
      /^Cannot connect to the database at 127\.0\.0\.1:1 .*Check DATABASE_URL/,
    );
  });

  test('when there are no migrations, then none can be required', () => {
    fixture.remove('0001_one');
    fixture.remove('0002_two');
    expect(() => requiredMigration(fixture.directory)).toThrow('holds no migrations');
  });
});
