import type { Database } from '@movie-ticketing/kit/database';

import { isDecisive, type Entry } from './crash-load.ts';

type BookingRow = { id: number; reference: string; user_id: number; status: string };
type PaymentRow = {
  id: number;
  booking_id: number;
  status: string;
  charged: boolean;
  paid_back: boolean;
};
type KeyRow = { key: string; outcome: string | null; payment_id: number | null };

type Books = {
  bookings: Map<number, BookingRow[]>; // by person
  payments: Map<number, PaymentRow[]>; // by booking
  keys: Map<string, KeyRow>;
};

const groupBy = <T>(rows: readonly T[], by: (row: T) => number): Map<number, T[]> =>
  Map.groupBy(rows, by);

const readBooks = async (db: Database): Promise<Books> => {
  const bookings = await db.query<BookingRow>(
    'SELECT id, reference, user_id, status FROM bookings',
  );
  const payments = await db.query<PaymentRow>(
    `SELECT p.id, p.booking_id, p.status, coalesce(c.outcome = 'approved', false) AS charged,
       c.refunded_at IS NOT NULL AS paid_back
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
 * What the client heard against what the database says, once every payment is settled: each line is
 * a broken promise. Nothing answered is missing, nothing is there twice or unasked.
 */
export const compareLedger = async (db: Database, ledger: readonly Entry[]): Promise<string[]> => {
  const books = await readBooks(db);
  const asked = { book: new Set<number>(), pay: new Set<number>(), cancel: new Set<number>() };
  for (const { kind, person, bookingId } of ledger) asked[kind].add(bookingId ?? person.id);
  const broken = ledger.flatMap((entry) => [
    ...checkReplies(entry),
    ...(entry.kind === 'book'
      ? checkBooking(entry, books)
      : entry.kind === 'pay'
        ? checkPayment(entry, books)
        : checkCancel(entry, books)),
  ]);
  for (const rows of books.bookings.values()) {
    for (const row of rows) broken.push(...checkUnasked(row, books, asked));
  }
  return broken;
};

const say = (entry: Entry, what: string): string =>
  `${entry.kind} of person ${String(entry.person.id)}${entry.key === undefined ? '' : ' with a key'}: ${what}; heard ${entry.replies
    .map((it) => String(it.status === 'none' ? it.why : (it.body?.code ?? it.status)))
    .join(', ')}`;

/** Never 500, never a request that hangs, never two different outcomes for one key. */
const checkReplies = (entry: Entry): string[] => {
  const broken: string[] = [];
  for (const reply of entry.replies) {
    if (reply.status === 500) broken.push(say(entry, 'answered 500'));
    if (reply.status === 'none' && /abort|time/i.test(reply.why)) broken.push(say(entry, 'hung'));
  }
  if (entry.key !== undefined) {
    const outcomes = new Set(
      entry.replies.filter(isDecisive).map((it) => JSON.stringify('body' in it ? it.body : it)),
    );
    // Refusals leave the key free, so that a later repeat may differ; here nobody repeats after one.
    if (outcomes.size > 1) broken.push(say(entry, 'one key, two outcomes'));
    if (outcomes.size === 0) broken.push(say(entry, 'its outcome stays unknown'));
  }
  return broken;
};

const checkBooking = (entry: Entry, books: Books): string[] => {
  const rows = books.bookings.get(entry.person.id) ?? [];
  const known = entry.replies.find(isDecisive);
  if (rows.length > 1) return [say(entry, `made ${String(rows.length)} times`)];
  if (known === undefined) return [];
  if (known.status !== 201) return rows.length === 0 ? [] : [say(entry, 'refused, yet made')];
  const [row] = rows;
  const told = 'body' in known ? known.body.booking : undefined;
  if (row === undefined) return [say(entry, 'lost')];
  const same = row.id === told.id && row.reference === told.reference;
  return same
    ? []
    : [say(entry, `made as ${row.reference}, answered as ${String(told.reference)}`)];
};

const paid = ['succeeded', 'refund_pending', 'refunded'];

const checkPayment = (entry: Entry, books: Books): string[] => {
  const rows = books.payments.get(entry.bookingId ?? 0) ?? [];
  const broken: string[] = [];
  if (rows.length > 1) broken.push(say(entry, 'one request, several payments'));
  if (rows.filter(({ charged }) => charged).length > 1) broken.push(say(entry, 'charged twice'));
  for (const reply of entry.replies) {
    if (reply.status !== 200 && reply.status !== 202) continue;
    const row = rows.find(({ id }) => id === reply.body.payment.id);
    if (row === undefined) broken.push(say(entry, 'lost'));
    else if (reply.status === 200 && !(paid.includes(row.status) && row.charged)) {
      broken.push(say(entry, `paid, yet ${row.status}`));
    }
  }
  const known = entry.replies.find(isDecisive);
  if (known?.status === 402 && !rows.some(({ status }) => status === 'declined')) {
    broken.push(say(entry, 'declined, yet nothing is recorded'));
  }
  const stored = entry.key === undefined ? undefined : books.keys.get(entry.key);
  if (entry.key !== undefined && (stored?.payment_id ?? undefined) !== rows[0]?.id) {
    broken.push(say(entry, 'the key and the payment are apart'));
  }
  return broken;
};

const checkCancel = (entry: Entry, books: Books): string[] => {
  const row = books.bookings.get(entry.person.id)?.[0];
  const known = entry.replies.find(isDecisive);
  const isCancelled = row?.status === 'cancelled' || row?.status === 'refunded';
  if (known?.status === 200 && !isCancelled)
    return [say(entry, `cancelled, yet ${String(row?.status)}`)];
  if (known === undefined || known.status === 200 || !isCancelled) return [];
  return [say(entry, 'refused, yet cancelled')];
};

const checkUnasked = (
  row: BookingRow,
  books: Books,
  asked: { book: Set<number>; pay: Set<number>; cancel: Set<number> },
): string[] => {
  const broken: string[] = [];
  const name = `booking ${row.reference}`;
  if (!asked.book.has(row.user_id)) broken.push(`${name}: nobody asked for it`);
  if (books.payments.has(row.id) && !asked.pay.has(row.id)) broken.push(`${name}: paid unasked`);
  const isCancelled = row.status === 'cancelled' || row.status === 'refunded';
  if (isCancelled && !asked.cancel.has(row.id)) broken.push(`${name}: cancelled unasked`);
  return broken;
};

/** How the unanswered went: shows that the kills hit before commits and after them. */
export const summarizeLedger = async (
  db: Database,
  ledger: readonly Entry[],
): Promise<Record<string, number>> => {
  const { bookings } = await readBooks(db);
  const unanswered = ledger.filter(({ replies }) =>
    replies.some(({ status }) => status === 'none'),
  );
  const books = unanswered.filter(({ kind }) => kind === 'book');
  const first = books.filter(({ replies }) => replies.length > 1 && replies[0]?.status === 'none');
  return {
    requests: ledger.length,
    answered: ledger.filter(({ replies }) => replies.some(isDecisive)).length,
    unanswered: unanswered.length,
    unavailable: ledger.filter(({ replies }) => replies.some(({ status }) => status === 503))
      .length,
    bookings: [...bookings.values()].flat().length,
    unkeyedUnansweredMade: books.filter(
      ({ key, person }) => key === undefined && bookings.has(person.id),
    ).length,
    unkeyedUnansweredNotMade: books.filter(
      ({ key, person }) => key === undefined && !bookings.has(person.id),
    ).length,
    repeatsReplayed: first.filter(({ replies }) =>
      replies.some((it) => 'replayed' in it && it.replayed),
    ).length,
    repeatsMadeAnew: first.filter(
      ({ replies }) =>
        replies.some((it) => it.status === 201) &&
        !replies.some((it) => 'replayed' in it && it.replayed),
    ).length,
  };
};
