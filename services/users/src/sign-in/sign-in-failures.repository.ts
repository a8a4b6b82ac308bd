import type { Queryable } from '@movie-ticketing/kit/database';
import type { ExpiredRows } from '@movie-ticketing/kit/prune';

/** A user and a network together, and the network alone; both hashed. */
export type Subjects = { pair: Buffer; network: Buffer };

export type Counts = { pair: number; network: number };

export type SignInState = {
  failures: Counts;
  /** Until the windows end; 0 where there is none. */
  secondsLeft: Counts;
  /** Whether the user has signed in from this network before. */
  isKnown: boolean;
};

type StateRow = { is_known: boolean; subject: Buffer | null; failures: number; seconds: number };

type CountRow = { subject: Buffer; failures: number };

export const expiredSignInFailures: ExpiredRows = {
  table: 'sign_in_failures',
  where: 'window_ends < clock_timestamp()',
  oldestFirst: 'window_ends',
};

export const makeSignInFailuresRepository = (db: Queryable) => ({
  ...attempts(db),

  find: async ({ pair, network }: Subjects, userId: number | undefined): Promise<SignInState> => {
    const rows = await db.query<StateRow>(
      `SELECT k.is_known, f.subject, f.failures,
              ceil(extract(epoch FROM f.window_ends - clock_timestamp()))::int AS seconds
         FROM (SELECT EXISTS (SELECT 1 FROM known_networks
                               WHERE user_id = $3::bigint AND network_hash = $2::bytea) AS is_known) AS k
         LEFT JOIN sign_in_failures AS f
           ON f.subject IN ($1::bytea, $2::bytea) AND f.window_ends > clock_timestamp()`,
      [pair, network, userId ?? null],
      'users.sign_in_failures.find',
    );
    const rowOf = (subject: Buffer) => rows.find((row) => row.subject?.equals(subject) === true);
    const [ofPair, ofNetwork] = [rowOf(pair), rowOf(network)];
    return {
      failures: { pair: ofPair?.failures ?? 0, network: ofNetwork?.failures ?? 0 },
      secondsLeft: { pair: ofPair?.seconds ?? 0, network: ofNetwork?.seconds ?? 0 },
      isKnown: rows[0]?.is_known === true,
    };
  },

  /** Takes back an attempt; a count of none leaves no row. */
  release: async (subject: Buffer): Promise<void> => {
    await db.query(
      `WITH deleted AS (
         DELETE FROM sign_in_failures WHERE subject = $1 AND failures <= 1 RETURNING 1)
       UPDATE sign_in_failures SET failures = failures - 1
        WHERE subject = $1 AND failures > 0 AND NOT EXISTS (SELECT 1 FROM deleted)`,
      [subject],
      'users.sign_in_failures.release',
    );
  },

  clear: async (subject: Buffer): Promise<void> => {
    await db.query(
      'DELETE FROM sign_in_failures WHERE subject = $1',
      [subject],
      'users.sign_in_failures.clear',
    );
  },
});

const attempts = (db: Queryable) => ({
  /**
   * Counts an attempt for both subjects in one statement, the pair first in all of them, so that
   * attempts at the same time wait for one another and never deadlock.
   * @returns the counts, this attempt included; undefined for a subject that was at its maximum, whose
   * count is unchanged
   */
  reserve: async (
    { pair, network }: Subjects,
    maximum: Counts,
    windowSeconds: number,
  ): Promise<Partial<Counts>> => {
    const rows = await db.query<CountRow>(
      `INSERT INTO sign_in_failures AS f (subject, failures, window_ends)
       VALUES ($1, 1, clock_timestamp() + make_interval(secs => $5)),
              ($2, 1, clock_timestamp() + make_interval(secs => $5))
       ON CONFLICT (subject) DO UPDATE SET
         failures = CASE WHEN f.window_ends <= clock_timestamp() THEN 1 ELSE f.failures + 1 END,
         window_ends = CASE WHEN f.window_ends <= clock_timestamp()
                            THEN EXCLUDED.window_ends ELSE f.window_ends END
       WHERE f.window_ends <= clock_timestamp()
          OR f.failures < CASE WHEN f.subject = $1 THEN $3::int ELSE $4::int END
       RETURNING f.subject, f.failures`,
      [pair, network, maximum.pair, maximum.network, windowSeconds],
      'users.sign_in_failures.reserve',
    );
    const countOf = (subject: Buffer) => rows.find((row) => row.subject.equals(subject))?.failures;
    const [ofPair, ofNetwork] = [countOf(pair), countOf(network)];
    return {
      ...(ofPair === undefined ? {} : { pair: ofPair }),
      ...(ofNetwork === undefined ? {} : { network: ofNetwork }),
    };
  },
});
