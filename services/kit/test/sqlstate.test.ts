import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

import { translateDatabaseError } from '../src/database-errors.ts';
import { makeDatabase, type Database } from '../src/database.ts';
import { Problem } from '../src/problems.ts';
import { isConnectionLost, isRetryable } from '../src/sqlstate.ts';
import { silentLogger } from '../testing/api.ts';
import { createTestDatabase, type TestDatabase } from '../testing/database.ts';

/** Appendix A of PostgreSQL's documentation: every class with its codes. */
const appendixA = {
  '01': '000 003 004 006 007 008 00C 00D 01W P01',
  '02': '000 001',
  '03': '000',
  '08': '000 001 003 004 006 007 P01',
  '09': '000',
  '0A': '000',
  '0B': '000',
  '0F': '000 001',
  '0L': '000 P01',
  '0P': '000',
  '0Z': '000 002',
  '10': '608',
  '20': '000',
  '21': '000',
  '22': '000 001 002 003 004 005 007 008 009 00B 00C 00D 00E 00F 00G 00H 010 011 012 013 014 015 016 018 019 01A 01B 01C 01D 01E 01F 01G 01H 021 022 023 024 025 026 027 030 031 032 033 034 035 036 037 038 039 03A 03B 03C 03D 03E 03F 03G P01 P02 P03 P04 P05 P06',
  '23': '000 001 502 503 505 514 P01',
  '24': '000',
  '25': '000 001 002 003 004 005 006 007 008 P01 P02 P03 P04',
  '26': '000',
  '27': '000',
  '28': '000 P01',
  '2B': '000 P01',
  '2D': '000',
  '2F': '000 002 003 004 005',
  '34': '000',
  '38': '000 001 002 003 004',
  '39': '000 001 004 P01 P02 P03',
  '3B': '000 001',
  '3D': '000',
  '3F': '000',
  '40': '000 001 002 003 P01',
  '42': '000 501 601 602 611 622 701 702 703 704 710 712 723 725 803 804 809 830 846 883 939 P01 P02 P03 P04 P05 P06 P07 P08 P09 P10 P11 P12 P13 P14 P15 P16 P17 P18 P19 P20 P21 P22',
  '44': '000',
  '53': '000 100 200 300 400',
  '54': '000 001 011 023',
  '55': '000 006 P02 P03 P04',
  '57': '000 014 P01 P02 P03 P04 P05',
  '58': '000 030 P01 P02 P03',
  '72': '000',
  F0: '000 001',
  HV: '000 001 002 004 005 006 007 008 009 00A 00B 00C 00D 00J 00K 00L 00M 00N 00P 00Q 00R 010 014 021 024 090 091',
  P0: '000 001 002 003 004',
  XX: '000 001 002',
} as const;

/** What a client is answered, where it is not 500: by class or by code. */
const unavailable = [
  ...['08', '28', '3D', '3F', '53', '55', '57', '58', '72', 'F0', 'XX'],
  ...['25006', '25P03', '25P04', '40003', '42501', '42703', '42704', '42883', '42P01', '54000'],
];
const overloaded = ['26000', '40001', '40P01', '42P05', '55P03'];

const expected = (code: string): string => {
  if (overloaded.includes(code)) return 'overloaded';
  if (unavailable.includes(code) || unavailable.includes(code.slice(0, 2))) return 'unavailable';
  return 'defect';
};

const answerOf = (error: unknown): string => {
  const translated = translateDatabaseError(error);
  if (!(translated instanceof Problem)) return 'defect';
  expect(translated.retryAfter).toBeGreaterThan(0);
  return translated.code;
};

let database: TestDatabase;
let db: Database;
const connect = (url: string, poolSize = 1): Database =>
  makeDatabase({ url, poolSize, logger: silentLogger, applicationName: 'test-sqlstate' });

beforeAll(async () => {
  database = await createTestDatabase({ empty: true });
  db = connect(database.url);
});
afterAll(async () => {
  await db.close();
  await database.drop();
});

describe('an error of PostgreSQL', () => {
  test.each(Object.entries(appendixA))(
    'class %s gets its documented answer',
    async (name, codes) => {
      for (const code of codes.split(' ').map((rest) => `${name}${rest}`)) {
        // PL/pgSQL refuses to raise success, warnings and "no data": no statement fails with them.
        if (['01', '02', '03'].includes(name)) {
          expect(answerOf(Object.assign(new Error(code), { code }))).toBe('defect');
          continue;
        }
        // Raised by the server and read by the driver.
        const raise = `DO $$ BEGIN RAISE EXCEPTION 'raised' USING ERRCODE = '${code}'; END $$`;
        const error = await db.attempt((tx) => tx.query(raise)).catch((raised: unknown) => raised);
        expect([code, answerOf(error)]).toEqual([code, expected(code)]);
      }
    },
  );

  test('only deadlocks, serialization failures and stale statements are retried', () => {
    const codes = Object.entries(appendixA).flatMap(([name, rest]) =>
      rest.split(' ').map((code) => `${name}${code}`),
    );
    const retried = codes.filter((code) => isRetryable(Object.assign(new Error(code), { code })));
    expect(retried).toEqual(['26000', '40001', '40P01', '42P05']);
  });
});

describe('a login that PostgreSQL refuses', () => {
  const refusal = async (change: (url: URL) => void): Promise<unknown> => {
    const url = new URL(database.url);
    change(url);
    const refused = connect(url.href);
    try {
      return await refused.query('SELECT 1').catch((error: unknown) => error);
    } finally {
      await refused.close();
    }
  };

  test.each<[string, (url: URL) => void]>([
    ['a wrong password', (url) => (url.password = 'wrong')],
    ['an unknown user', (url) => (url.username = 'unknown_user')],
    ['an unknown database', (url) => (url.pathname = '/no_such_database')],
    ['a missing password', (url) => (url.password = '')],
    [
      'TLS that the server does not offer',
      (url) => {
        url.searchParams.set('sslmode', 'require');
      },
    ],
  ])('%s is 503 with Retry-After', async (_what, change) => {
    const error = await refusal(change);
    expect(error).toBeInstanceOf(Problem);
    expect(error).toMatchObject({ code: 'unavailable', retryAfter: 5 });
  });

  test('a rotated password is 503 until the pool connects with the new one', async () => {
    const login = `rotated_${Date.now().toString(36)}`;
    await db.query(`CREATE ROLE ${login} LOGIN PASSWORD 'first'`);
    const url = new URL(database.url);
    url.username = login;
    url.password = 'first';
    const rotated = connect(url.href);
    try {
      expect(await rotated.query('SELECT 1 AS one')).toEqual([{ one: 1 }]);
      await db.query(`ALTER ROLE ${login} PASSWORD 'second'`);
      await db.query(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '${login}'`,
      );
      // The first statement may still find the closed connection: 503 either way.
      for (let i = 0; i < 2; i += 1) {
        await expect(rotated.query('SELECT 1')).rejects.toMatchObject({ code: 'unavailable' });
      }
      await db.query(`ALTER ROLE ${login} PASSWORD 'first'`);
      expect(await rotated.query('SELECT 1 AS one')).toEqual([{ one: 1 }]);
    } finally {
      await rotated.close();
      await db.query(`DROP ROLE ${login}`);
    }
  });
});

describe('a prepared statement whose result type changed', () => {
  const change = (type: string) => db.query(`ALTER TABLE stale ALTER COLUMN value TYPE ${type}`);
  const read = async (tx: Pick<Database, 'query'>) =>
    (await tx.query('SELECT value FROM stale', [], 'stale.read')).length;

  test('a transaction is retried on a new connection', async () => {
    await db.query('CREATE TABLE stale AS SELECT 1 AS value');
    const service = connect(database.url);
    try {
      await service.transaction(read);
      await change('bigint');
      expect(await service.transaction(read)).toBe(1);
    } finally {
      await service.close();
    }
  });

  test('control: the statement fails on the old connection', async () => {
    const service = connect(database.url);
    try {
      await service.transaction(read);
      await change('text');
      await expect(service.attempt(read)).rejects.toThrow(/cached plan must not change/);
      // The connection was closed: the next attempt prepares again.
      expect(await service.attempt(read)).toBe(1);
    } finally {
      await service.close();
    }
  });
});

test('an error of a socket is a lost connection', () => {
  for (const code of ['ECONNREFUSED', 'ECONNRESET', 'ENETUNREACH', 'EAI_AGAIN', 'EPIPE']) {
    expect(isConnectionLost(Object.assign(new Error(code), { code }))).toBe(true);
  }
});
