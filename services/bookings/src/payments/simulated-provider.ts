import type { Queryable } from '@movie-ticketing/kit/database';

import type { Charge, PaymentProvider } from './payment-provider.ts';

/**
 * A provider that behaves like an external one: it keeps its own records (`simulated_charges`), may
 * respond late or not at all, and remembers its keys after this process crashes. `payment_token` selects:
 *
 * | token | outcome |
 * | --- | --- |
 * | none, `tok_approved` | approved |
 * | `tok_late` | no response in time; approved `lateMs` after the request |
 * | `tok_timeout` | no response in time; the charge never arrived |
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
        return noResponse(signal);
      case 'tok_timeout':
        return noResponse(signal);
      default:
        return record(db, charge, 'declined', 0);
    }
  },

  lookUp: async (key) => {
    const [row] = await db.query<{ outcome: Outcome }>(
      'SELECT outcome FROM simulated_charges WHERE key = $1 AND known_from <= clock_timestamp()',
      [key],
    );
    return row === undefined ? 'unknown' : toChargeOutcome(row.outcome);
  },

  abandon: (charge) => record(db, charge, 'abandoned', 0),

  refund: async (key) => {
    const rows = await db.query(
      `UPDATE simulated_charges SET refunded_at = coalesce(refunded_at, clock_timestamp())
       WHERE key = $1 AND outcome = 'approved' RETURNING key`,
      [key],
    );
    if (rows.length === 0) throw new Error(`no approved charge ${key} at the provider`);
  },
});

type Outcome = 'approved' | 'declined' | 'abandoned';

const toChargeOutcome = (outcome: Outcome): 'approved' | 'declined' =>
  outcome === 'approved' ? 'approved' : 'declined';

/** Only the first outcome of a key is recorded: a repeat returns it. */
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
  if (row !== undefined) return toChargeOutcome(row.outcome);
  const [known] = await db.query<{ outcome: Outcome }>(
    'SELECT outcome FROM simulated_charges WHERE key = $1',
    [charge.key],
  );
  if (known === undefined) throw new Error(`charge ${charge.key} does not exist`);
  return toChargeOutcome(known.outcome);
};

const noResponse = (signal: AbortSignal): Promise<never> =>
  new Promise((_resolve, reject) => {
    const fail = (): void => {
      reject(new Error('the payment provider did not respond in time'));
    };
    if (signal.aborted) fail();
    else signal.addEventListener('abort', fail, { once: true });
  });
