import type { Database } from '@movie-ticketing/kit/database';
import type { Logger } from '@movie-ticketing/kit/logging';
import { startWorker, type Worker } from '@movie-ticketing/kit/worker';

import type { KeyRing } from './key-ring.ts';
import { makeRefreshTokensRepository } from './refresh-tokens.repository.ts';
import { makeSignInLimitsRepository } from './sign-in-limits.repository.ts';

const minuteMs = 60_000;
const batch = 1_000;

/** What the users service does by itself; any number of processes may do it at once. */
export const startUsersWorkers = (parts: {
  db: Database;
  keys: KeyRing;
  logger: Logger;
}): Worker => {
  const { db, keys, logger } = parts;
  const workers = [
    startWorker({
      name: 'key rotation',
      intervalMs: minuteMs,
      logger,
      work: async () => {
        await keys.rotate();
        return false;
      },
    }),
    startWorker({
      name: 'expired sign-ins',
      intervalMs: 5 * minuteMs,
      logger,
      work: () => removeExpired(db),
    }),
  ];
  return {
    stop: async () => {
      await Promise.all(workers.map((worker) => worker.stop()));
    },
  };
};

/** Small statements: none holds its locks for long, however much has piled up. */
export const removeExpired = async (db: Database): Promise<boolean> => {
  const removed = await Promise.all([
    makeRefreshTokensRepository(db).removeExpired(batch),
    makeSignInLimitsRepository(db).removeOver(batch),
  ]);
  return removed.includes(batch);
};
