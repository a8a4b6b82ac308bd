import type { Database } from '@movie-ticketing/kit/database';

import { isDecisive, type Entry } from './crash-load.ts';

type BookingRow = { id: number; reference: string; user_id: number; status: string };
type PaymentRow = {
  id: number;
  booking_id: number;
  status: string;
  charged: boolean;
  refunded: boolean;
};
type KeyRow = { key: string; outcome: string | null; payment_id: number | null };

type Records = {
  bookings: Map<number, BookingRow[]>; // by user
  payments: Map<number, PaymentRow[]>; // by booking
  keys: Map<string, KeyRow>;
};

const groupBy = <T>(rows: readonly T[], by: (row: T) => number): Map<number, T[]> =>
  Map.groupBy(rows, by);

const readRecords = async (db: Database): Promise<Records> => {
  const bookings = await db.query<BookingRow>(
    'SELECT id, reference, user_id, status FROM bookings',
  );
  const payments = await db.query<PaymentRow>(
    `SELECT p.id, p.booking_id, p.status, coalesce(c.outcome = 'approved', false) AS charged,
       c.refunded_at IS NOT NULL AS refunded
     FROM payments p LEFT JOIN simulated_charges c ON c.key = p.id::text`,
  );
  const keys = await db.query<KeyRow>(
    'SELECT key, outcome, payment_id FROM bookings_idempotency_keys',
  );
  return {
    bookings: groupBy(bookings, (row) => row.user_id),
    payments: groupBy(payments, (row) => row.booking_id),
    keys: new Map(keys.map((row) => [row.key, row])),
  };
};

/**
 * Compares the responses that the client received with the database, once every payment is settled. Each
 * line is a violation: a missing, duplicate or unrequested result.
 */
export const compareLedger = async (db: Database, ledger: readonly Entry[]): Promise<string[]> => {
  const records = await readRecords(db);
  const requested = { book: new Set<number>(), pay: new Set<number>(), cancel: new Set<number>() };
  for (const { kind, user, bookingId } of ledger) requested[kind].add(bookingId ?? user.id);
  const violations = ledger.flatMap((entry) => [
    ...checkReplies(entry),
    ...(entry.kind === 'book'
      ? checkBooking(entry, records)
      : entry.kind === 'pay'
        ? checkPayment(entry, records)
        : checkCancel(entry, records)),
  ]);
  for (const rows of records.bookings.values()) {
    for (const row of rows) violations.push(...checkUnrequested(row, records, requested));
  }
  return violations;
};

const violation = (entry: Entry, what: string): string =>
  `${entry.kind} of user ${String(entry.user.id)}${entry.key === undefined ? '' : ' with a key'}: ${what}; responses: ${entry.replies
    .map((it) => String(it.status === 'none' ? it.why : (it.body?.code ?? it.status)))
    .join(', ')}`;

/** No 500, no request without a response in time, no two outcomes for one key. */
const checkReplies = (entry: Entry): string[] => {
  const violations: string[] = [];
  for (const reply of entry.replies) {
    if (reply.status === 500) violations.push(violation(entry, 'answered 500'));
    if (reply.status === 'none' && /abort|time/i.test(reply.why))
      violations.push(violation(entry, 'hung'));
  }
  if (entry.key !== undefined) {
    const outcomes = new Set(
      entry.replies.filter(isDecisive).map((it) => JSON.stringify('body' in it ? it.body : it)),
    );
    // A refusal leaves the key free, so a repeat may differ; these requests are not repeated after one.
    if (outcomes.size > 1) violations.push(violation(entry, 'one key, two outcomes'));
    if (outcomes.size === 0) violations.push(violation(entry, 'the outcome stays unknown'));
  }
  return violations;
};

const checkBooking = (entry: Entry, records: Records): string[] => {
  const rows = records.bookings.get(entry.user.id) ?? [];
  const known = entry.replies.find(isDecisive);
  if (rows.length > 1) return [violation(entry, `made ${String(rows.length)} times`)];
  if (known === undefined) return [];
  if (known.status !== 201) return rows.length === 0 ? [] : [violation(entry, 'refused, yet made')];
  const [row] = rows;
  const answered = 'body' in known ? known.body.booking : undefined;
  if (row === undefined) return [violation(entry, 'lost')];
  const same = row.id === answered.id && row.reference === answered.reference;
  return same
    ? []
    : [violation(entry, `made as ${row.reference}, answered as ${String(answered.reference)}`)];
};

const paid = ['succeeded', 'refund_pending', 'refunded'];

const checkPayment = (entry: Entry, records: Records): string[] => {
  const rows = records.payments.get(entry.bookingId ?? 0) ?? [];
  const violations: string[] = [];
  if (rows.length > 1) violations.push(violation(entry, 'one request, several payments'));
  if (rows.filter(({ charged }) => charged).length > 1)
    violations.push(violation(entry, 'charged twice'));
  for (const reply of entry.replies) {
    if (reply.status !== 200 && reply.status !== 202) continue;
    const row = rows.find(({ id }) => id === reply.body.payment.id);
    if (row === undefined) violations.push(violation(entry, 'lost'));
    else if (reply.status === 200 && !(paid.includes(row.status) && row.charged)) {
      violations.push(violation(entry, `paid, yet ${row.status}`));
    }
  }
  const known = entry.replies.find(isDecisive);
  if (known?.status === 402 && !rows.some(({ status }) => status === 'declined')) {
    violations.push(violation(entry, 'declined, yet nothing is recorded'));
  }
  const stored = entry.key === undefined ? undefined : records.keys.get(entry.key);
  if (entry.key !== undefined && (stored?.payment_id ?? undefined) !== rows[0]?.id) {
    violations.push(violation(entry, 'the key does not refer to the payment'));
  }
  return violations;
};

const checkCancel = (entry: Entry, records: Records): string[] => {
  const row = records.bookings.get(entry.user.id)?.[0];
  const known = entry.replies.find(isDecisive);
  const isCancelled = row?.status === 'cancelled' || row?.status === 'refunded';
  if (known?.status === 200 && !isCancelled)
    return [violation(entry, `cancelled, yet ${String(row?.status)}`)];
  if (known === undefined || known.status === 200 || !isCancelled) return [];
  return [violation(entry, 'refused, yet cancelled')];
};

const checkUnrequested = (
  row: BookingRow,
  records: Records,
  requested: { book: Set<number>; pay: Set<number>; cancel: Set<number> },
): string[] => {
  const violations: string[] = [];
  const name = `booking ${row.reference}`;
  if (!requested.book.has(row.user_id)) violations.push(`${name}: not requested`);
  if (records.payments.has(row.id) && !requested.pay.has(row.id))
    violations.push(`${name}: paid without a request`);
  const isCancelled = row.status === 'cancelled' || row.status === 'refunded';
  if (isCancelled && !requested.cancel.has(row.id))
    violations.push(`${name}: cancelled without a request`);
  return violations;
};

/** The outcomes of requests without a response: shows that processes were killed before and after commits. */
export const summarizeLedger = async (
  db: Database,
  ledger: readonly Entry[],
): Promise<Record<string, number>> => {
  const { bookings } = await readRecords(db);
  const unanswered = ledger.filter(({ replies }) =>
    replies.some(({ status }) => status === 'none'),
  );
  const records = unanswered.filter(({ kind }) => kind === 'book');
  const first = records.filter(
    ({ replies }) => replies.length > 1 && replies[0]?.status === 'none',
  );
  return {
    requests: ledger.length,
    answered: ledger.filter(({ replies }) => replies.some(isDecisive)).length,
    unanswered: unanswered.length,
    unavailable: ledger.filter(({ replies }) => replies.some(({ status }) => status === 503))
      .length,
    bookings: [...bookings.values()].flat().length,
    unkeyedUnansweredMade: records.filter(
      ({ key, user }) => key === undefined && bookings.has(user.id),
    ).length,
    unkeyedUnansweredNotMade: records.filter(
      ({ key, user }) => key === undefined && !bookings.has(user.id),
    ).length,
    repeatsReplayed: first.filter(({ replies }) =>
      replies.some((it) => 'replayed' in it && it.replayed),
    ).length,
    repeatsMadeLater: first.filter(
      ({ replies }) =>
        replies.some((it) => it.status === 201) &&
        !replies.some((it) => 'replayed' in it && it.replayed),
    ).length,
  };
};
