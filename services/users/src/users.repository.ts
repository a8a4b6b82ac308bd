import type { Queryable } from '@movie-ticketing/kit/database';
import { isUniqueViolation } from '@movie-ticketing/kit/sqlstate';
import type { Role } from '@movie-ticketing/kit/endpoint';
import { Problem } from '@movie-ticketing/kit/problems';

import type { Account } from './account.ts';

type NewAccount = { email: string; passwordHash: string; role: Role };

type Row = { id: number; email: string; role: Role; created_at: Date; password_hash: string };

const columns = 'id, email, role, created_at, password_hash';

const toAccount = (row: Row): Account => ({
  id: row.id,
  email: row.email,
  role: row.role,
  createdAt: row.created_at,
  passwordHash: row.password_hash,
});

const first = (rows: readonly Row[]): Account | undefined => rows.map(toAccount)[0];

// "admi" in ASCII.
const administratorsLock = 0x61646d69;

export const makeUsersRepository = (db: Queryable) => ({
  ...reads(db),
  ...locks(db),
  ...changes(db),
});

const changes = (db: Queryable) => ({
  /** @throws Problem `email_taken`: the index over lower(email) decides, so no race gets past it */
  add: async (account: NewAccount): Promise<Account> => {
    try {
      const rows = await db.query<Row>(
        `INSERT INTO users (email, password_hash, role) VALUES ($1, $2, $3) RETURNING ${columns}`,
        [account.email, account.passwordHash, account.role],
      );
      const [added] = rows.map(toAccount);
      if (added === undefined) throw new Error('an insert gave no row back');
      return added;
    } catch (error) {
      if (isUniqueViolation(error, 'users_email_key')) {
        throw new Problem('email_taken', {
          detail: 'There is an account with this e-mail already: sign in.',
          cause: error,
        });
      }
      throw error;
    }
  },

  setRole: async (id: number, role: Role): Promise<void> => {
    await db.query('UPDATE users SET role = $2 WHERE id = $1', [id, role]);
  },

  setPasswordHash: async (id: number, hash: string): Promise<void> => {
    await db.query('UPDATE users SET password_hash = $2 WHERE id = $1', [id, hash]);
  },

  /** Leaves a tombstone: bookings keep their owner's id, the person is gone. */
  bury: async (id: number): Promise<void> => {
    await db.query(
      `UPDATE users SET email = NULL, password_hash = NULL, deleted_at = clock_timestamp()
        WHERE id = $1`,
      [id],
    );
  },
});

const reads = (db: Queryable) => ({
  findByEmail: async (email: string): Promise<Account | undefined> =>
    first(
      await db.query<Row>(
        `SELECT ${columns} FROM users WHERE lower(email) = lower($1)`,
        [email],
        'users.find-by-email',
      ),
    ),

  find: async (id: number): Promise<Account | undefined> =>
    first(
      await db.query<Row>(
        `SELECT ${columns} FROM users WHERE id = $1 AND deleted_at IS NULL`,
        [id],
        'users.find',
      ),
    ),

  /** By id, those after `after`. */
  list: async (after: number, count: number): Promise<Account[]> => {
    const rows = await db.query<Row>(
      `SELECT ${columns} FROM users WHERE id > $1 AND deleted_at IS NULL ORDER BY id LIMIT $2`,
      [after, count],
    );
    return rows.map(toAccount);
  },
});

const locks = (db: Queryable) => ({
  /** Locks the account: everything that begins, continues or ends a sign-in takes this lock first. */
  lock: async (id: number): Promise<Account | undefined> =>
    first(
      await db.query<Row>(
        `SELECT ${columns} FROM users WHERE id = $1 AND deleted_at IS NULL FOR NO KEY UPDATE`,
        [id],
      ),
    ),

  /** Whoever may take an administrator away takes this before any account: one at a time can. */
  lockAdministrators: async (): Promise<void> => {
    await db.query('SELECT pg_advisory_xact_lock($1)', [administratorsLock]);
  },

  hasOtherAdministrator: async (id: number): Promise<boolean> => {
    const rows = await db.query(
      `SELECT 1 FROM users WHERE role = 'admin' AND deleted_at IS NULL AND id <> $1 LIMIT 1`,
      [id],
    );
    return rows.length === 1;
  },
});
