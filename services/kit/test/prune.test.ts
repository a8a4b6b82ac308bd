import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';

import { makeDatabase, type Database } from '../src/database.ts';
import { deleteInBatches, type ExpiredRows } from '../src/prune.ts';
import { silentLogger } from '../testing/api.ts';
import { createTestDatabase, type TestDatabase } from '../testing/database.ts';

let database: TestDatabase;
let db: Database;
const open = (statementTimeoutMs?: number): Database =>
  makeDatabase({
    url: database.url,
    poolSize: 4,
    logger: silentLogger,
    applicationName: 'test',
    ...(statementTimeoutMs === undefined
      ? {}
      : { settings: { statement_timeout: statementTimeoutMs } }),
  });

beforeAll(async () => {
  database = await createTestDatabase({ empty: true });
  db = open();
  await db.query('CREATE TABLE leases (id int PRIMARY KEY, expires_at timestamptz NOT NULL)');
  await db.query('CREATE INDEX leases_expiry ON leases (expires_at)');
});
afterAll(async () => {
  await db.close();
  await database.drop();
});
beforeEach(() => db.query('TRUNCATE leases'));

const leases: ExpiredRows = {
  table: 'leases',
  where: 'expires_at < clock_timestamp()',
  oldestFirst: 'expires_at',
  batchSize: 100,
};

const insertExpired = (count: number) =>
  db.query(
    `INSERT INTO leases SELECT n, clock_timestamp() - n * interval '1 s'
       FROM generate_series(1, $1::int) AS n`,
    [count],
  );

const count = async (): Promise<number> => (await db.query('SELECT 1 FROM leases')).length;

describe('deleteInBatches', () => {
  test('deletes one batch a call, the oldest rows first, and says when none remain', async () => {
    await insertExpired(250);
    await db.query(`INSERT INTO leases VALUES (0, clock_timestamp() + interval '1 hour')`);
    expect(await deleteInBatches(db, leases)).toBe(true);
    expect(await db.query('SELECT max(id) AS oldest FROM leases')).toEqual([{ oldest: 150 }]);
    expect(await deleteInBatches(db, leases)).toBe(true);
    expect(await deleteInBatches(db, leases)).toBe(false);
    expect(await db.query('SELECT id FROM leases')).toEqual([{ id: 0 }]);
  });

  test('recovers from a backlog that a single DELETE within the same time-out does not', async () => {
    // Each row takes a millisecond to delete, as on a slow disk.
    await db.query(`CREATE FUNCTION slow_delete() RETURNS trigger LANGUAGE plpgsql AS
      $$ BEGIN PERFORM pg_sleep(0.001); RETURN OLD; END $$`);
    await db.query(`CREATE TRIGGER slow BEFORE DELETE ON leases
      FOR EACH ROW EXECUTE FUNCTION slow_delete()`);
    await insertExpired(1_500);
    const impatient = open(1_000);
    const single = impatient.query(`DELETE FROM leases WHERE ${leases.where}`);
    await expect(single).rejects.toMatchObject({ code: 'unavailable' }); // the control
    expect(await count()).toBe(1_500);
    while (await deleteInBatches(impatient, leases));
    expect(await count()).toBe(0);
    await impatient.close();
    await db.query('DROP FUNCTION slow_delete CASCADE');
  });

  test('keeps a row that is renewed while the batch waits for it', async () => {
    await insertExpired(1);
    const renewed = Promise.withResolvers<undefined>();
    const renewing = db.transaction(async (tx) => {
      await tx.query(`UPDATE leases SET expires_at = clock_timestamp() + interval '1 hour'`);
      renewed.resolve(undefined);
      while (!(await isWaiting()));
    });
    await renewed.promise;
    const deleting = deleteInBatches(db, leases);
    await Promise.all([renewing, deleting]);
    expect(await count()).toBe(1);
  });

  test('two processes do not delete from one table at the same time', async () => {
    await insertExpired(50);
    const other = open();
    await other.transaction(async (tx) => {
      await tx.query(`SELECT pg_advisory_xact_lock(hashtext('prune leases'))`);
      expect(await deleteInBatches(db, leases)).toBe(false);
    });
    expect(await count()).toBe(50);
    await other.close();
    await deleteInBatches(db, leases);
    expect(await count()).toBe(0);
  });
});

const isWaiting = async (): Promise<boolean> => {
  const found = await db.query(
    `SELECT 1 FROM pg_stat_activity
      WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE 'DELETE%'`,
  );
  return found.length === 1;
};
