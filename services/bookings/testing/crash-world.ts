import { makeDatabase, type Database } from '@movie-ticketing/kit/database';
import { silentLogger } from '@movie-ticketing/kit/testing/api';

import {
  drawnPlan,
  insertScreening,
  insertSeatedScreening,
} from '@movie-ticketing/catalog/testing/builders';
import { auditSnapshot } from '../src/audit.ts';
import { until, type CrashClient, type Reply } from './crash-client.ts';
import { compareLedger } from './crash-ledger.ts';
import { finishLedger, isDecisive, type Entry, type TestUser } from './crash-load.ts';
import type { CrashHost } from './crash-process.ts';

/** A connection of the owner, which may read every table, with long time-outs. */
export const openOwner = (url: string): Database =>
  makeDatabase({
    url,
    poolSize: 3,
    logger: silentLogger,
    applicationName: 'crash-test',
    settings: { lock_timeout: 20_000, statement_timeout: 60_000 },
  });

/** Large screenings that never sell out, and small ones that do; two of them with numbered seats. */
export const insertScreenings = async (db: Database): Promise<number[]> => {
  const ids: number[] = [];
  for (const total_seats of [100_000, 50_000, 100]) {
    ids.push((await insertScreening(db, { total_seats })).id);
  }
  for (const rows of [100, 4]) {
    const plan = drawnPlan(Array.from({ length: rows }, () => 's'.repeat(50)));
    ids.push((await insertSeatedScreening(db, plan)).id);
  }
  return ids;
};

/** Users made beforehand, since the database may be down when one is needed. Each gets its token when it is taken. */
export const insertUsers = async (
  db: Database,
  host: CrashHost,
  count: number,
): Promise<() => Promise<TestUser>> => {
  const rows = await db.query<{ id: number }>(
    `INSERT INTO users (email, canonical_email, password_hash) SELECT email, email, '!'
       FROM (SELECT 'crash' || n || '@example.com' AS email FROM generate_series(1, $1::int) AS n)
     RETURNING id`,
    [count],
  );
  return async () => {
    const row = rows.pop();
    if (row === undefined) throw new Error('more users are needed than were inserted');
    return { id: row.id, token: await host.tokens.sign({ userId: row.id }) };
  };
};

/** Waits until no payment is in progress and no refund is pending. */
const settled = (db: Database): Promise<true> =>
  until('every payment is settled', async () => {
    const [row] = await db.query<{ open: number }>(
      `SELECT count(*)::int AS open FROM payments WHERE status IN ('processing', 'refund_pending')`,
    );
    return row?.open === 0 ? true : undefined;
  });

/**
 * After the load, with every process running: repeats requests with unknown outcomes, waits until all
 * payments are settled, and lists the violations found in the client's ledger and by the audit.
 */
export const findViolations = async (
  db: Database,
  client: CrashClient,
  ledger: readonly Entry[],
  url: string,
): Promise<string[]> => {
  const send = (entry: Entry): Promise<Reply> =>
    until('a repeat has an outcome', async () => {
      const reply = await client.send(url, entry);
      // 202: the outcome of the payment is still unknown.
      return isDecisive(reply) ? reply : undefined;
    });
  await finishLedger(ledger, send);
  await settled(db);
  const findings = await auditSnapshot(db);
  return [
    ...(await compareLedger(db, ledger)),
    ...findings
      .filter(({ violations }) => violations > 0)
      .map(
        ({ name, violations, examples }) => `${name}: ${String(violations)} ${examples.join(' ')}`,
      ),
  ];
};

/** Setting `CRASH_SEED` repeats the random choices of a run. */
export const chooseSeed = (test: string): number => {
  const seed = Number(process.env['CRASH_SEED'] ?? Date.now() % 1_000_000);
  process.stdout.write(`${test}: CRASH_SEED=${String(seed)}\n`);
  return seed;
};
