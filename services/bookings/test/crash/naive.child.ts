import { parseEnvironment } from '@movie-ticketing/kit/config';
import { requiredDatabaseUrl } from '@movie-ticketing/kit/database-environment';
import type { Database, Transaction } from '@movie-ticketing/kit/database';
import { makeLogger } from '@movie-ticketing/kit/logging';
import { makeRegistry } from '@movie-ticketing/kit/metrics';
import { runProcess, serve } from '@movie-ticketing/kit/service-process';
import { jwksOverHttp } from '@movie-ticketing/kit/published-keys';

import type { BookingRequest, BookingResult } from '../../src/batch/booking-request.ts';
import { runBatch, type BatchSettings } from '../../src/batch/run-batch.ts';
import { makeBookingsProcess } from '../../src/bookings.composition.ts';
import { bookingsEnvironment } from '../../src/bookings.environment.ts';
import { makeBookingsRepository } from '../../src/bookings/bookings.repository.ts';
import { makeIdempotencyKeysRepository } from '../../src/idempotency/idempotency-keys.repository.ts';

// The bookings service with one defect, named by the argument, which the crash tests must detect.

/** Responds after the write and before the commit. */
const answerFirst: typeof runBatch = (db, requests, settings) => {
  const attempt = <T>(work: (tx: Transaction) => Promise<T>): Promise<T> =>
    new Promise((resolve, reject) => {
      db.attempt(async (tx) => {
        const result = await work(tx);
        resolve(result);
        return result;
      }).catch(reject);
    });
  return runBatch({ ...db, attempt }, requests, settings);
};

/** Stores the key after the booking, in a transaction of its own. */
const keyApart: typeof runBatch = (db, requests, settings) =>
  Promise.all(requests.map((request) => bookThenStoreKey(db, request, settings)));

const bookThenStoreKey = async (
  db: Database,
  request: BookingRequest,
  settings: BatchSettings,
): Promise<BookingResult> => {
  const { idempotency } = request;
  const keys = makeIdempotencyKeysRepository(db);
  const stored = idempotency && (await keys.find(idempotency));
  if (stored !== undefined && stored.bookingId !== null) {
    return {
      kind: 'replayed',
      booking: await makeBookingsRepository(db).get(stored.bookingId),
    };
  }
  const [result] = await runBatch(db, [{ ...request, idempotency: undefined }], settings);
  if (result === undefined) return { kind: 'refused', code: 'internal' };
  if (result.kind === 'booked' && idempotency !== undefined) {
    const { id, status } = result.booking;
    await keys.insert({ request: idempotency, bookingId: id, paymentId: null, outcome: status });
  }
  return result;
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
    run: process.argv[2] === 'response-first' ? answerFirst : keyApart,
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
