import { parseEnvironment } from '@movie-ticketing/kit/config';
import { requiredDatabaseUrl } from '@movie-ticketing/kit/database-environment';
import type { Database, Queryable } from '@movie-ticketing/kit/database';
import { findAnswer, saveAnswer } from '@movie-ticketing/kit/idempotency';
import { makeLogger } from '@movie-ticketing/kit/logging';
import { makeRegistry } from '@movie-ticketing/kit/metrics';
import { Problem } from '@movie-ticketing/kit/problems';
import { runProcess, serve } from '@movie-ticketing/kit/service-process';
import { jwksOverHttp } from '@movie-ticketing/kit/published-keys';

import type { ReferencedOrder } from '../../src/batch/booking-order.ts';
import { runBatch, type BatchSettings, type Outcome } from '../../src/batch/run-batch.ts';
import { makeBookingsProcess } from '../../src/bookings.composition.ts';
import { bookingsEnvironment } from '../../src/bookings.environment.ts';

/** The bookings service with one mistake, named by the argument: what the crash tests must notice. */
const table = 'bookings_idempotency_keys';

/** Answers once all is written, and commits then. */
const answerFirst: typeof runBatch = (db, orders, settings) => {
  const attempt = <T>(work: (tx: Queryable) => Promise<T>): Promise<T> =>
    new Promise((resolve, reject) => {
      db.attempt(async (tx) => {
        const result = await work(tx);
        resolve(result);
        return result;
      }).catch(reject);
    });
  return runBatch({ ...db, attempt }, orders, settings);
};

/** Stores the key after the booking, in a transaction of its own. */
const keyApart: typeof runBatch = (db, orders, settings) =>
  Promise.all(orders.map((order) => bookThenKeep(db, order, settings)));

const bookThenKeep = async (
  db: Database,
  order: ReferencedOrder,
  settings: BatchSettings,
): Promise<Outcome> => {
  const { idempotency } = order;
  const stored = idempotency && (await findAnswer(db, table, idempotency));
  if (stored !== undefined) return stored;
  const [outcome] = await runBatch(db, [{ ...order, idempotency: undefined }], settings);
  if (outcome === undefined || outcome instanceof Problem)
    return outcome ?? new Problem('internal');
  if (idempotency !== undefined) await saveAnswer(db, table, idempotency, outcome);
  return outcome;
};

await runProcess(async () => {
  const environment = parseEnvironment(bookingsEnvironment, process.env);
  const logger = makeLogger({ service: 'naive', level: environment.LOG_LEVEL });
  const registry = makeRegistry('naive');
  const service = makeBookingsProcess({
    databaseUrl: requiredDatabaseUrl(environment),
    environment,
    logger,
    registry,
    jwks: jwksOverHttp(environment.JWT_JWKS_URL),
    run: process.argv[2] === 'answer-first' ? answerFirst : keyApart,
  });
  const running = await serve({
    services: [service],
    environment,
    logger,
    registry,
    tracing: undefined,
  });
  logger.info({ port: running.port, management_port: running.managementPort }, 'listening');
  return running.stop;
});
