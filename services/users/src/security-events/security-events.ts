import type { Database, Queryable } from '@movie-ticketing/kit/database';
import type { Logger } from '@movie-ticketing/kit/logging';

import {
  makeSecurityEventsRepository,
  toColumns,
  type SecurityEvent,
} from './security-events.repository.ts';

export type RecordEvent = (event: SecurityEvent) => Promise<void>;

/** Failures in the current window, this one included. */
export type FailedSignIn = {
  /** Null where no user has the e-mail address. */
  userId: number | null;
  failures: number;
  networkFailures: number;
  requestId: string;
};

export type SecurityEvents = {
  /**
   * Runs a transaction. The events that it records are stored in it and logged once it is committed:
   * a change of rights and its record are both there or neither.
   */
  transaction<T>(work: (tx: Queryable, record: RecordEvent) => Promise<T>): Promise<T>;
  /** Logged only: anybody can cause any number of these. */
  signInFailed(failure: FailedSignIn): void;
};

/**
 * One log line for each security event, with ids and no personal data: `"message":"security event"`,
 * `event`, `user_id`, `actor_id`, `request_id`.
 */
export const makeSecurityEvents = (db: Database, logger: Logger): SecurityEvents => {
  const audit = auditLogger(logger);
  const log = (fields: object): void => {
    audit.info(fields, 'security event');
  };
  return {
    transaction: async (work) => {
      let recorded: SecurityEvent[] = [];
      const result = await db.transaction((tx) => {
        recorded = []; // a retried transaction starts over
        const { insert } = makeSecurityEventsRepository(tx);
        return work(tx, async (event) => {
          await insert(event);
          recorded.push(event);
        });
      });
      for (const event of recorded) log(toColumns(event));
      return result;
    },

    signInFailed: ({ userId, failures, networkFailures, requestId }) => {
      log({
        event: 'sign_in_failed',
        user_id: userId,
        failures,
        network_failures: networkFailures,
        request_id: requestId,
      });
    },
  };
};

/** LOG_LEVEL=warn must not hide security events; `silent` means silent. */
const auditLogger = (logger: Logger): Logger =>
  logger.level === 'silent' ? logger : logger.child({}, { level: 'info' });
