import type { Database } from '@movie-ticketing/kit/database';
import type { Logger } from '@movie-ticketing/kit/logging';
import { deleteInBatches, type ExpiredRows } from '@movie-ticketing/kit/prune';
import type { Registry } from '@movie-ticketing/kit/metrics';
import { startWorker, type Worker } from '@movie-ticketing/kit/worker';

import type { KeyRing } from './keys/key-ring.ts';
import { expiredPasswordResets } from './passwords/password-resets.repository.ts';
import { expiredSecurityEvents } from './security-events/security-events.repository.ts';
import { expiredRefreshTokens } from './sessions/refresh-tokens.repository.ts';
import { expiredKnownNetworks } from './sign-in/known-networks.repository.ts';
import { expiredSignInFailures } from './sign-in/sign-in-failures.repository.ts';

const minuteMs = 60_000;

const expiredRows: readonly ExpiredRows[] = [
  expiredRefreshTokens,
  expiredPasswordResets,
  expiredSignInFailures,
  expiredKnownNetworks,
  expiredSecurityEvents,
];

/** The background work of the users service. Any number of processes may run it at the same time. */
export const startUsersWorkers = (parts: {
  db: Database;
  keys: KeyRing;
  logger: Logger;
  registry: Registry;
}): Worker => {
  const { db, keys, logger, registry } = parts;
  const workers = [
    startWorker({
      name: 'users_rotate_keys',
      intervalMs: minuteMs,
      logger,
      registry,
      work: async () => {
        await keys.rotate();
        return false;
      },
    }),
    startWorker({
      name: 'users_prune_expired_rows',
      intervalMs: 5 * minuteMs,
      logger,
      registry,
      work: () => pruneExpiredRows(db),
    }),
  ];
  return {
    stop: async () => {
      await Promise.all(workers.map((worker) => worker.stop()));
    },
  };
};

/** One batch of each table. @returns whether more rows may remain */
export const pruneExpiredRows = async (db: Database): Promise<boolean> => {
  let remaining = false;
  for (const rows of expiredRows) remaining = (await deleteInBatches(db, rows)) || remaining;
  return remaining;
};
