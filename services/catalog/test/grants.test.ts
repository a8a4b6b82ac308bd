import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { makeDatabase, type Database } from '@movie-ticketing/kit/database';
import { codeOf } from '@movie-ticketing/kit/sqlstate';
import { silentLogger } from '@movie-ticketing/kit/testing/api';
import { createTestDatabase, type TestDatabase } from '@movie-ticketing/kit/testing/database';

const roles = ['mt_catalog', 'mt_users', 'mt_bookings'] as const;
type Role = (typeof roles)[number];

let database: TestDatabase;
let owner: Database;
let as: Record<Role, Database>;

const connect = (role?: Role): Database =>
  makeDatabase({
    url: database.url,
    ...(role === undefined ? {} : { role }),
    poolSize: 1,
    logger: silentLogger,
    applicationName: 'test-grants',
  });

beforeAll(async () => {
  database = await createTestDatabase();
  owner = connect();
  as = {
    mt_catalog: connect('mt_catalog'),
    mt_users: connect('mt_users'),
    mt_bookings: connect('mt_bookings'),
  };
});

afterAll(async () => {
  await Promise.all([owner, ...Object.values(as)].map((db) => db.close()));
  await database.drop();
});

/** EXPLAIN needs the same rights as the statement, and changes nothing. */
const refusal = async (db: Database, statement: string): Promise<string | undefined> => {
  try {
    await db.query(`EXPLAIN ${statement}`);
    return undefined;
  } catch (error) {
    // The pool answers 503: a missing grant is the database's state.
    return codeOf((error as Error).cause);
  }
};

const insufficientPrivilege = '42501';

const none = 'WHERE false';
const reads = (...tables: string[]) => tables.map((table) => `SELECT * FROM ${table}`);
const deletes = (...tables: string[]) => tables.map((table) => `DELETE FROM ${table} ${none}`);
const inserts = (...tables: string[]) =>
  tables.map((table) => `INSERT INTO ${table} DEFAULT VALUES`);
const updates = (table: string, ...columns: string[]) =>
  columns.map((column) => `UPDATE ${table} SET ${column} = ${column} ${none}`);
const movesOf = (table: string, ...columns: string[]) =>
  // Writes a column without reading it, so that only the right to write decides.
  columns.map((column) => `UPDATE ${table} SET ${column} = NULL`);

/** Only the migrations decide which logins may work without a role. */
const rolelessLogins = [
  ...reads('roleless_logins'),
  "INSERT INTO roleless_logins VALUES ('postgres', 'mt_users')",
  'DELETE FROM roleless_logins',
];

const beyond: Record<Role, string[]> = {
  mt_catalog: [
    ...rolelessLogins,
    ...movesOf('screenings', 'movie_id'),
    'SELECT email FROM users',
    'SELECT password_hash FROM users',
    'SELECT role FROM users',
    ...reads('users', 'refresh_tokens', 'signing_keys', 'sign_in_failures'),
    ...reads('bookings', 'payments', 'bookings_idempotency_keys', 'simulated_charges', 'seed_runs'),
    'SELECT count(*) FROM bookings',
    'SELECT id FROM bookings FOR KEY SHARE',
    ...inserts('users', 'bookings', 'payments', 'refresh_tokens', 'signing_keys', 'seed_runs'),
    ...movesOf('users', 'email', 'role', 'deleted_at'),
    ...movesOf('bookings', 'status'),
    ...movesOf('payments', 'status'),
    ...movesOf('catalog_idempotency_keys', 'body', 'created_at'),
    // A version of a seat plan never changes.
    ...movesOf('seat_plans', 'seats'),
    ...deletes('seat_plans'),
    ...reads('tickets'),
    ...movesOf('promo_codes', 'uses'),
    ...deletes('users', 'bookings', 'payments', 'pgmigrations'),
  ],
  mt_users: [
    ...rolelessLogins,
    ...reads('movies', 'theaters', 'screenings', 'catalog_idempotency_keys'),
    ...reads('bookings', 'payments', 'bookings_idempotency_keys', 'simulated_charges', 'seed_runs'),
    ...inserts('movies', 'theaters', 'screenings', 'bookings', 'payments'),
    ...movesOf('screenings', 'available_seats', 'price_minor', 'status'),
    ...movesOf('bookings', 'status'),
    ...movesOf('payments', 'status'),
    // A deleted user keeps its row, because bookings refer to it.
    'DELETE FROM users',
    ...movesOf('security_events', 'actor_id', 'occurred_at'),
    ...deletes('movies', 'screenings', 'bookings', 'payments', 'pgmigrations'),
  ],
  mt_bookings: [
    ...rolelessLogins,
    ...movesOf('screenings', 'total_seats', 'price_minor', 'starts_at', 'ends_at', 'status'),
    ...inserts('screenings', 'movies', 'theaters'),
    ...movesOf('movies', 'price_minor'),
    ...movesOf('theaters', 'total_seats'),
    ...deletes('movies', 'theaters', 'screenings'),
    'SELECT email FROM users',
    'SELECT password_hash FROM users',
    'SELECT id FROM users FOR UPDATE',
    ...reads('users', 'refresh_tokens', 'signing_keys', 'sign_in_failures', 'seed_runs'),
    ...reads('catalog_idempotency_keys'),
    ...inserts('users', 'refresh_tokens', 'signing_keys'),
    ...movesOf('users', 'deleted_at'),
    // Bookings, tickets and payments are never rewritten or deleted.
    ...movesOf('tickets', 'seat', 'price_minor'),
    ...deletes('tickets'),
    ...movesOf('promo_codes', 'max_uses'),
    ...movesOf('screenings', 'blocked', 'seat_plan_id', 'price_card_id'),
    ...movesOf('bookings', 'num_tickets', 'total_minor', 'user_id', 'screening_id', 'expires_at'),
    ...movesOf('payments', 'amount_minor', 'booking_id'),
    ...movesOf('simulated_charges', 'amount_minor', 'outcome'),
    ...deletes('bookings', 'payments', 'simulated_charges', 'pgmigrations'),
  ],
};

describe.each(roles)('%s is refused without a grant', (role) => {
  test.each(beyond[role])('%s', async (statement) => {
    expect(await refusal(as[role], statement)).toBe(insufficientPrivilege);
    // Control: the statement is legal for the owner, so the missing grant is the reason.
    expect(await refusal(owner, statement)).toBeUndefined();
  });

  test.each([
    'CREATE TABLE mine (id int)',
    'DROP TABLE movies CASCADE',
    'TRUNCATE bookings CASCADE',
    'ALTER TABLE screenings DROP CONSTRAINT screenings_seats',
    'ALTER TABLE bookings DISABLE TRIGGER ALL',
    "SELECT pg_read_file('/etc/passwd')",
  ])('%s', async (statement) => {
    await expect(as[role].query(statement)).rejects.toMatchObject({
      cause: { code: insufficientPrivilege },
    });
  });
});

const within: Record<Role, string[]> = {
  mt_catalog: [
    ...reads('movies', 'theaters', 'screenings', 'catalog_idempotency_keys', 'pgmigrations'),
    'SELECT id, deleted_at FROM users',
    'SELECT id FROM screenings FOR NO KEY UPDATE',
    ...updates('screenings', 'theater_id', 'starts_at', 'ends_at', 'price_minor', 'currency'),
    ...updates('screenings', 'total_seats', 'available_seats', 'status'),
    ...deletes('movies', 'theaters', 'screenings', 'catalog_idempotency_keys'),
  ],
  mt_users: [
    ...reads('users', 'refresh_tokens', 'signing_keys', 'sign_in_failures', 'pgmigrations'),
    ...updates('users', 'email', 'password_hash', 'role', 'deleted_at'),
    ...deletes('refresh_tokens', 'signing_keys', 'sign_in_failures'),
  ],
  mt_bookings: [
    ...reads('movies', 'theaters', 'screenings', 'bookings', 'payments', 'pgmigrations'),
    'SELECT id, deleted_at FROM users',
    'SELECT id FROM screenings FOR NO KEY UPDATE',
    ...updates('screenings', 'available_seats'),
    ...updates('bookings', 'status'),
    ...updates('payments', 'status', 'paid_at', 'refunded_at', 'next_check_at', 'attempts'),
    ...inserts('bookings', 'bookings_idempotency_keys', 'simulated_charges'),
    ...deletes('bookings_idempotency_keys'),
  ],
};

describe.each(roles)('%s is allowed with its grants', (role) => {
  test.each(within[role])('%s', async (statement) => {
    expect(await refusal(as[role], statement)).toBeUndefined();
  });
});

/** Every right, by role and table: an added grant must be added here on purpose. */
const expected: Record<Role, Record<string, string>> = {
  mt_catalog: {
    movies: 'SELECT INSERT UPDATE DELETE',
    theaters: 'SELECT INSERT UPDATE DELETE',
    ticket_types: 'SELECT INSERT UPDATE DELETE',
    price_cards: 'SELECT INSERT UPDATE DELETE',
    price_lines: 'SELECT INSERT UPDATE DELETE',
    seat_plans: 'SELECT INSERT',
    promo_codes:
      'SELECT INSERT UPDATE(amount_minor,code,currency,max_uses,movie_id,percent,screening_id,valid_from,valid_until) DELETE',
    screenings:
      'SELECT INSERT UPDATE(available_seats,blocked,currency,ends_at,price_card_id,price_minor,seat_plan_id,seats_version,starts_at,status,taken,theater_id,total_seats) DELETE',
    catalog_idempotency_keys: 'SELECT INSERT DELETE',
    users: 'SELECT(deleted_at,id)',
    pgmigrations: 'SELECT',
  },
  mt_users: {
    users: 'SELECT INSERT UPDATE',
    refresh_tokens: 'SELECT INSERT UPDATE DELETE',
    signing_keys: 'SELECT INSERT UPDATE DELETE',
    sign_in_failures: 'SELECT INSERT UPDATE DELETE',
    password_resets: 'SELECT INSERT UPDATE DELETE',
    known_networks: 'SELECT INSERT UPDATE DELETE',
    security_events: 'SELECT INSERT(actor_id,event,new_role,old_role,request_id,user_id) DELETE',
    pgmigrations: 'SELECT',
  },
  mt_bookings: {
    movies: 'SELECT',
    theaters: 'SELECT',
    seat_plans: 'SELECT',
    ticket_types: 'SELECT',
    price_cards: 'SELECT',
    price_lines: 'SELECT',
    promo_codes: 'SELECT UPDATE(uses)',
    screenings: 'SELECT UPDATE(available_seats,seats_version,taken)',
    users: 'SELECT(deleted_at,id)',
    bookings: 'SELECT INSERT UPDATE(status)',
    tickets: 'SELECT INSERT UPDATE(status)',
    payments: 'SELECT INSERT UPDATE(attempts,next_check_at,paid_at,refunded_at,status)',
    bookings_idempotency_keys: 'SELECT INSERT UPDATE(outcome) DELETE',
    simulated_charges: 'SELECT INSERT UPDATE(refunded_at)',
    pgmigrations: 'SELECT',
  },
};

const allRights = `
  SELECT t.relname AS table_name, string_agg(
    CASE WHEN has_table_privilege($1, t.oid, p.verb) THEN p.verb
    ELSE p.verb || '(' || (
      SELECT string_agg(a.attname, ',' ORDER BY a.attname) FROM pg_attribute a
      WHERE a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped
        AND has_column_privilege($1, t.oid, a.attnum, p.verb)
    ) || ')' END, ' ' ORDER BY p.place) AS rights
  FROM pg_class t, (VALUES (1, 'SELECT'), (2, 'INSERT'), (3, 'UPDATE')) p (place, verb)
  WHERE t.relkind = 'r' AND t.relnamespace = 'public'::regnamespace
    AND has_any_column_privilege($1, t.oid, p.verb)
  GROUP BY t.relname`;

const tableRights = `
  SELECT t.relname AS table_name, p.verb AS rights
  FROM pg_class t, (VALUES ('DELETE'), ('TRUNCATE'), ('REFERENCES'), ('TRIGGER')) p (verb)
  WHERE t.relkind = 'r' AND t.relnamespace = 'public'::regnamespace
    AND has_table_privilege($1, t.oid, p.verb)`;

test.each(roles)('%s has exactly the rights that are listed here', async (role) => {
  const found: Record<string, string> = {};
  for (const sql of [allRights, tableRights]) {
    const rows = await owner.query<{ table_name: string; rights: string }>(sql, [role]);
    for (const { table_name, rights } of rows) {
      found[table_name] = [found[table_name], rights].filter(Boolean).join(' ');
    }
  }
  expect(found).toEqual(expected[role]);
});

test.each(roles)('%s cannot log in and has no special attributes', async (role) => {
  const [found] = await owner.query(
    `SELECT rolcanlogin, rolsuper, rolcreaterole, rolcreatedb, rolbypassrls FROM pg_roles WHERE rolname = $1`,
    [role],
  );
  expect(Object.values(found as object)).toEqual([false, false, false, false, false]);
});
