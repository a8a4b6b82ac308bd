import pg from 'pg';

import { CommitInDoubt, translateDatabaseError } from './database-errors.ts';
import {
  prepareSession,
  sessionSettings,
  standardSettings,
  type ServiceRole,
  type SessionSettings,
} from './database-session.ts';
import type { Logger } from './logging.ts';
import { isConnectionLost, isRetryable, isStaleStatement } from './sqlstate.ts';

// Ids stay below 2^53. Dates are calendar days, not instants.
const { INT8, DATE } = pg.types.builtins;
type Parser = (text: string) => unknown;
const ownParsers = new Map<number, Parser>([
  [INT8, Number],
  [DATE, String],
]);
const standardParser = pg.types.getTypeParser as (oid: number) => Parser;
const types: pg.CustomTypesConfig = {
  getTypeParser: (oid: number) => ownParsers.get(oid) ?? standardParser(oid),
};

/** A pool, or the connection of one transaction. */
export type Queryable = {
  /** @param name set on frequent statements: they are prepared once per connection */
  query<Row>(text: string, values?: readonly unknown[], name?: string): Promise<Row[]>;
};

/** One transaction. Its statements are pipelined: each is sent without waiting for the previous response. */
export type Transaction = Queryable & {
  /**
   * Sends a statement whose rows are not needed. It is not awaited: as the last statement of a transaction it
   * shares a round trip with COMMIT. If it fails, the transaction is rolled back and rejects with its error.
   */
  send(text: string, values?: readonly unknown[], name?: string): void;
};

export type Database = Queryable & {
  /** Runs `work` in one READ COMMITTED transaction; deadlocks and serialization failures are retried. */
  transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T>;
  /**
   * Tries a transaction once and throws PostgreSQL's errors unchanged.
   * @throws CommitInDoubt if the connection was lost after COMMIT was sent: the transaction may have committed
   */
  attempt<T>(work: (tx: Transaction) => Promise<T>): Promise<T>;
  readonly pool: pg.Pool;
  close(): Promise<void>;
};

export type DatabaseOptions = {
  url: string;
  /** The service's role, which every connection takes before its first use. */
  role?: ServiceRole;
  poolSize: number;
  logger: Logger;
  applicationName: string;
  /** Instead of those of the role. */
  settings?: Partial<SessionSettings>;
};

const maximumAttempts = 4;

/**
 * A bounded pool with time-outs on everything: connecting, waiting for a connection, a statement, a
 * lock, an idle transaction. A lost connection is dropped from the pool, so a restarted Postgres heals.
 */
export const makeDatabase = (options: DatabaseOptions): Database => {
  const { role, logger } = options;
  const settings = {
    ...(role === undefined ? standardSettings : sessionSettings[role]),
    ...options.settings,
  };
  const pool = new pg.Pool({
    connectionString: options.url,
    max: options.poolSize,
    connectionTimeoutMillis: 5_000,
    idleTimeoutMillis: 60_000,
    // So that every connection picks up changes of the database, such as the role to take.
    maxLifetimeSeconds: 1_800,
    application_name: options.applicationName,
    // PostgreSQL enforces its own time-outs. If it stops responding while its connections stay open (a lost
    // node, a firewall that dropped its state), only this one ends a query.
    query_timeout: settings.statement_timeout + 2_000,
    keepAlive: true,
    // Statements of a transaction are sent without waiting for the responses of those before them.
    pipeline: true,
    types,
    ...preparing(settings, role, logger),
  });
  // Without a listener an idle connection that Postgres closes ends the process.
  let closing = false;
  pool.on('error', (error) => {
    // end() resolves before the sockets have closed: PostgreSQL may stop in between.
    if (!closing) logger.warn({ error }, 'idle database connection lost');
  });
  // Between connecting and the first statement neither the pool nor a transaction listens for errors: a
  // connection lost then would end the process. The next statement fails with the error.
  pool.on('connect', (client) => {
    client.on('error', () => undefined);
  });
  return {
    ...onPool(pool),
    transaction: transactionOn(pool),
    attempt: (work) => runTransaction(pool, work),
    pool,
    close: () => {
      closing = true;
      return pool.end();
    },
  };
};

/** Runs on each new connection before the pool hands it out. Throwing refuses the connection. */
const preparing = (settings: SessionSettings, role: ServiceRole | undefined, logger: Logger) => {
  let isWarned = false;
  return {
    onConnect: async (client: pg.ClientBase): Promise<void> => {
      if ((await prepareSession(client, settings, role)) || isWarned) return;
      isWarned = true;
      logger.warn(
        { role },
        'works as the database login itself, which cannot take the role of this service: docs/configure-the-resource.md, "Roles in an external database"',
      );
    },
  };
};

const run = async (
  client: pg.Pool | pg.ClientBase,
  text: string,
  values: readonly unknown[] = [],
  name?: string,
): Promise<pg.QueryResult> =>
  client.query({ text, values: values as unknown[], ...(name === undefined ? {} : { name }) });

const onPool = (pool: pg.Pool): Queryable => ({
  query: async <Row>(text: string, values?: readonly unknown[], name?: string) => {
    try {
      return (await run(pool, text, values, name)).rows as Row[];
    } catch (error) {
      throw translateDatabaseError(error);
    }
  },
});

const transactionOn =
  (pool: pg.Pool) =>
  async <T>(work: (tx: Transaction) => Promise<T>): Promise<T> => {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await runTransaction(pool, work);
      } catch (error) {
        if (!isRetryable(error) || attempt === maximumAttempts) throw translateDatabaseError(error);
        // Full jitter, so that two transactions that deadlocked do not meet again.
        await new Promise((resolve) => setTimeout(resolve, Math.random() * 20 * 2 ** attempt));
      }
    }
  };

const runTransaction = async <T>(
  pool: pg.Pool,
  work: (tx: Transaction) => Promise<T>,
): Promise<T> => {
  const client = await pool.connect();
  let broken: Error | undefined;
  const onError = (error: Error): void => {
    broken = error;
  };
  client.on('error', onError);
  try {
    return await runOnClient(client, work);
  } catch (error) {
    if (isConnectionLost(error) || isStaleStatement(error) || error instanceof CommitInDoubt) {
      broken = error as Error;
    }
    throw error;
  } finally {
    client.off('error', onError);
    client.release(broken);
  }
};

const runOnClient = async <T>(
  client: pg.ClientBase,
  work: (tx: Transaction) => Promise<T>,
): Promise<T> => {
  // The first statement that failed: the ones after it fail only because the transaction is aborted.
  const sent: { error?: Error } = {};
  const send: Transaction['send'] = (text, values, name) => {
    run(client, text, values, name).catch((error: unknown) => {
      sent.error ??= error as Error;
    });
  };
  let result: T;
  try {
    send('BEGIN');
    result = await work({
      query: async <Row>(text: string, values?: readonly unknown[], name?: string) =>
        (await run(client, text, values, name)).rows as Row[],
      send,
    });
  } catch (error) {
    // Its response follows those of all statements before it, so none is outstanding afterwards.
    await client.query('ROLLBACK').catch(() => undefined);
    throw sent.error ?? error;
  }
  const { command } = await commit(client);
  if (command === 'COMMIT') return result;
  throw sent.error ?? new Error('the transaction was rolled back: one of its statements failed');
};

/** COMMIT of a transaction in which a statement failed is no error: PostgreSQL answers it with ROLLBACK. */
const commit = async (client: pg.ClientBase): Promise<pg.QueryResult> => {
  try {
    return await client.query('COMMIT');
  } catch (error) {
    throw isConnectionLost(error)
      ? new CommitInDoubt('the connection was lost at COMMIT', { cause: error })
      : error;
  }
};

/** The row of a statement that always returns one, such as INSERT ... RETURNING. */
export const onlyRow = <Row>(rows: readonly Row[]): Row => {
  const [row] = rows;
  if (row === undefined) throw new Error('the statement returned no row');
  return row;
};
