import type { Queryable } from '@movie-ticketing/kit/database';

import type { Charge, PaymentProvider } from './payment-provider.ts';

/**
 * A provider that behaves like one elsewhere: it keeps its own books (`simulated_charges`), answers
 * late or not at all, and remembers its keys when this process dies. `payment_token` chooses:
 *
 * | token | outcome |
 * | --- | --- |
 * | none, `tok_approved` | approved |
 * | `tok_late` | no answer in time; approved `lateMs` after the request |
 * | `tok_timeout` | no answer in time; the charge never arrived |
 * | `tok_declined`, any other | declined |
 */
export const makeSimulatedProvider = (
  db: Queryable,
  options: { lateMs: number },
): PaymentProvider => ({
  charge: async (charge, signal) => {
    switch (charge.token) {
      case undefined:
      case 'tok_approved':
        return record(db, charge, 'approved', 0);
      case 'tok_late':
        await record(db, charge, 'approved', options.lateMs);
        return noAnswer(signal);
      case 'tok_timeout':
        return noAnswer(signal);
      default:
        return record(db, charge, 'declined', 0);
    }
  },

  lookUp: async (key) => {
    const [row] = await db.query<{ outcome: Outcome }>(
      'SELECT outcome FROM simulated_charges WHERE key = $1 AND known_from <= clock_timestamp()',
      [key],
    );
    return row === undefined ? 'unknown' : toAnswer(row.outcome);
  },

  abandon: (charge) => record(db, charge, 'abandoned', 0),

  refund: async (key) => {
    const rows = await db.query(
      `UPDATE simulated_charges SET refunded_at = coalesce(refunded_at, clock_timestamp())
       WHERE key = $1 AND outcome = 'approved' RETURNING key`,
      [key],
    );
    if (rows.length === 0) throw new Error(`the provider knows no approved charge ${key}`);
  },
});

type Outcome = 'approved' | 'declined' | 'abandoned';

const toAnswer = (outcome: Outcome): 'approved' | 'declined' =>
  outcome === 'approved' ? 'approved' : 'declined';

/** The first word about a key stands: a repeat gets what was recorded then. */
const record = async (
  db: Queryable,
  charge: Omit<Charge, 'token'>,
  outcome: Outcome,
  delayMs: number,
): Promise<'approved' | 'declined'> => {
  const [row] = await db.query<{ outcome: Outcome }>(
    `INSERT INTO simulated_charges (key, amount_minor, currency, outcome, known_from)
     VALUES ($1, $2, $3, $4, clock_timestamp() + $5::float8 * interval '1 millisecond')
     ON CONFLICT (key) DO NOTHING RETURNING outcome`,
    [charge.key, charge.amountMinor, charge.currency, outcome, delayMs],
  );
  if (row !== undefined) return toAnswer(row.outcome);
  const [known] = await db.query<{ outcome: Outcome }>(
    'SELECT outcome FROM simulated_charges WHERE key = $1',
    [charge.key],
  );
  if (known === undefined) throw new Error(`charge ${charge.key} vanished`);
  return toAnswer(known.outcome);
};

const noAnswer = (signal: AbortSignal): Promise<never> =>
  new Promise((_resolve, reject) => {
    const fail = (): void => {
      reject(new Error('the payment provider did not answer in time'));
    };
    if (signal.aborted) fail();
    else signal.addEventListener('abort', fail, { once: true });
  });
