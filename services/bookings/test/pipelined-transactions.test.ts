import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { insertScreening } from '@movie-ticketing/catalog/testing/builders';
import { makeDatabase, type Database, type Transaction } from '@movie-ticketing/kit/database';
import { CommitInDoubt } from '@movie-ticketing/kit/database-errors';
import { isConnectionLost } from '@movie-ticketing/kit/sqlstate';
import { silentLogger } from '@movie-ticketing/kit/testing/api';
import { createTestDatabase } from '@movie-ticketing/kit/testing/database';
import pg from 'pg';

import { runBatch } from '../src/batch/run-batch.ts';
import {
  batchSettings,
  bookingRequest,
  resultName,
  serviceDatabase,
} from '../testing/booking-requests.ts';
import { startPostgresProxy, type PostgresProxy } from '../testing/postgres-proxy.ts';
import { expectPromisesKept } from '../testing/promises.ts';
import { startBookingsSystem } from '../testing/system.ts';

const insert = "INSERT INTO notes VALUES ('kept')";
const failing = 'SELECT 1 / 0';
const divisionByZero = { code: '22012' };

describe('a pipelined transaction', () => {
  let drop: () => Promise<void>;
  let directUrl: string;
  let proxy: PostgresProxy;
  let db: Database;
  beforeAll(async () => {
    const database = await createTestDatabase();
    ({ drop, url: directUrl } = database);
  });
  beforeEach(async () => {
    proxy = await startPostgresProxy(directUrl);
    db = makeDatabase({
      url: proxy.url,
      poolSize: 1,
      logger: silentLogger,
      applicationName: 'test-pipeline',
    });
    await db.query('CREATE TABLE notes (text text)');
  });
  afterEach(async () => {
    await db.query('DROP TABLE notes');
    await db.close();
    await proxy.stop();
  });
  afterAll(() => drop());

  const countNotes = async (): Promise<number> => (await db.query('SELECT FROM notes')).length;

  /** Runs statements on a pipelined connection of pg itself. */
  const withPlainClient = async <T>(use: (client: pg.Client) => Promise<T>): Promise<T> => {
    const client = new pg.Client({ connectionString: directUrl, pipeline: true });
    await client.connect();
    try {
      return await use(client);
    } finally {
      await client.end();
    }
  };

  test('sends its statements and COMMIT before BEGIN is answered', async () => {
    const sent = proxy.withholdResponsesUntil('COMMIT');
    // Without the pipeline, BEGIN would wait for its withheld response and nothing else would be sent.
    const committed = db.attempt((tx) => {
      tx.send(insert);
      return Promise.resolve('committed');
    });
    await sent;
    expect(await committed).toBe('committed');
  });

  test('commits what was sent without waiting', async () => {
    await db.attempt((tx) => {
      tx.send(insert);
      tx.send(insert);
      return Promise.resolve();
    });
    expect(await countNotes()).toBe(2);
  });

  test.each<[string, (tx: Transaction) => Promise<unknown>]>([
    [
      'the last statement sent fails',
      (tx) => {
        tx.send(insert);
        tx.send(failing);
        return Promise.resolve();
      },
    ],
    [
      'an earlier statement sent fails',
      (tx) => {
        tx.send(failing);
        tx.send(insert);
        return Promise.resolve();
      },
    ],
    [
      'a statement sent fails before one that is awaited',
      (tx) => {
        tx.send(insert);
        tx.send(failing);
        return tx.query(insert);
      },
    ],
  ])('rejects with the error of the statement that failed if %s', async (_, work) => {
    await expect(db.attempt(work)).rejects.toMatchObject(divisionByZero);
    expect(await countNotes()).toBe(0);
  });

  test('control: a statement after the failed one is answered with 25P02', async () => {
    const last = withPlainClient(async (client) => {
      const statements = ['BEGIN', failing, 'SELECT 1'].map((text) => client.query(text));
      return (await Promise.allSettled(statements)).at(-1);
    });
    expect(await last).toMatchObject({ status: 'rejected', reason: { code: '25P02' } });
  });

  test('rejects if COMMIT became ROLLBACK because an error was ignored', async () => {
    const ignoring = db.attempt(async (tx) => {
      await tx.query(insert);
      await tx.query(failing).catch(() => undefined);
      return 'done';
    });
    await expect(ignoring).rejects.toThrow('rolled back');
    expect(await countNotes()).toBe(0);
  });

  test('control: COMMIT after a failed statement succeeds, and only its command tag says ROLLBACK', async () => {
    const commit = await withPlainClient(async (client) => {
      const statements = ['BEGIN', insert, failing, 'COMMIT'].map((text) => client.query(text));
      return (await Promise.allSettled(statements)).at(-1);
    });
    expect(commit).toMatchObject({ status: 'fulfilled', value: { command: 'ROLLBACK' } });
    expect(await countNotes()).toBe(0);
  });

  test('uses its connection again after a failure, with statements that were never parsed', async () => {
    const named = (tx: Transaction) => tx.query('SELECT 7 AS seven', [], 'test.seven');
    const failed = db.attempt((tx) => {
      tx.send(failing);
      return named(tx);
    });
    await expect(failed).rejects.toMatchObject(divisionByZero);
    const [before] = await db.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
    expect(await db.attempt(named)).toEqual([{ seven: 7 }]);
    expect(await db.query('SELECT pg_backend_pid() AS pid')).toEqual([before]);
  });

  test('is in doubt if its connection is lost before a statement that was sent with COMMIT', async () => {
    const injected = proxy.cutBefore('kept');
    const lost = db.attempt((tx) => {
      tx.send(insert);
      return Promise.resolve();
    });
    await expect(lost).rejects.toBeInstanceOf(CommitInDoubt);
    await injected;
    expect(await countNotes()).toBe(0);
  });

  test('is not in doubt if its connection is lost before COMMIT was sent', async () => {
    const injected = proxy.cutBefore('kept');
    const lost = db.attempt((tx) => tx.query(insert));
    const error: unknown = await lost.catch((reason: unknown) => reason);
    await injected;
    expect(error).not.toBeInstanceOf(CommitInDoubt);
    expect(isConnectionLost(error)).toBe(true);
    expect(await countNotes()).toBe(0);
  });

  test('is in doubt if the response to COMMIT is lost, although it committed', async () => {
    const injected = proxy.failNextCommit('cut');
    const lost = db.attempt((tx) => {
      tx.send(insert);
      return Promise.resolve();
    });
    await expect(lost).rejects.toBeInstanceOf(CommitInDoubt);
    await injected;
    expect(await countNotes()).toBe(1);
  });
});

describe('a batch whose connection is lost in a pipeline', () => {
  test.each([
    ['BEGIN', 'BEGIN'],
    ['the lock', 'bookings.seats.lock'],
    ['the view', 'bookings.batch.view'],
    ['the write', 'bookings.batch.write'],
  ])('before %s: every request is booked once', async (_, text) => {
    const system = await startBookingsSystem({ processes: 0 });
    const proxy = await startPostgresProxy(system.databaseUrl);
    const db = serviceDatabase(proxy.url);
    try {
      const [user] = await system.users(1);
      const screeningId = (await insertScreening(system.db)).id;
      const requests = ['a', 'b'].map((key) =>
        bookingRequest({ userId: user!.id, screeningId }, key),
      );
      const injected = proxy.cutBefore(text);
      const results = await runBatch(db, requests, batchSettings);
      await injected;
      expect(results.map(resultName)).toEqual(['booked', 'booked']);
      expect(await system.seatsOf(screeningId)).toBe(98);
      await expectPromisesKept(system.db);
    } finally {
      await db.close();
      await system.stop();
      await proxy.stop();
    }
  });

  test('a batch sends the view before BEGIN and the lock are answered, and COMMIT with the write', async () => {
    const system = await startBookingsSystem({ processes: 0 });
    const proxy = await startPostgresProxy(system.databaseUrl);
    const db = serviceDatabase(proxy.url);
    try {
      const [user] = await system.users(1);
      const screeningId = (await insertScreening(system.db)).id;
      const book = () =>
        runBatch(db, [bookingRequest({ userId: user!.id, screeningId })], batchSettings);
      await book(); // connects
      const viewSent = proxy.withholdResponsesUntil('bookings.batch.view');
      const first = book();
      // Without the pipeline, BEGIN would wait for its withheld response and the view would never be sent.
      await viewSent;
      expect((await first).map(resultName)).toEqual(['booked']);
    } finally {
      await db.close();
      await system.stop();
      await proxy.stop();
    }
  });
});
