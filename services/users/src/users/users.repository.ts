import { onlyRow, type Queryable } from '@movie-ticketing/kit/database';
import type { Role } from '@movie-ticketing/kit/current-user';
import { Problem } from '@movie-ticketing/kit/problems';
import { isUniqueViolation } from '@movie-ticketing/kit/sqlstate';
import {
  insertStatement,
  updateStatement,
  type ColumnValues,
} from '@movie-ticketing/kit/statements';

import { canonicalEmail } from './email-address.ts';
import type { User } from './users.schema.ts';

const columns = 'id, email, role, created_at, password_hash';

type UserRow = { id: number; email: string; role: Role; created_at: Date; password_hash: string };

const toUser = (row: UserRow): User => ({
  id: row.id,
  email: row.email,
  role: row.role,
  createdAt: row.created_at,
  passwordHash: row.password_hash,
});

type UserChange = { email?: string; passwordHash?: string; role?: Role };

const toColumns = (change: UserChange): ColumnValues => ({
  email: change.email,
  canonical_email: change.email === undefined ? undefined : canonicalEmail(change.email),
  password_hash: change.passwordHash,
  role: change.role,
});

const firstUser = (rows: readonly UserRow[]): User | undefined => rows.map(toUser)[0];

// "admi" in ASCII: the number of the advisory lock on the set of admins.
const adminsLock = 0x61646d69;

/** Deleted users are not found here. */
export const makeUsersRepository = (db: Queryable) => ({
  ...reads(db),
  ...locks(db),
  ...changes(db),
});

const reads = (db: Queryable) => ({
  find: async (id: number): Promise<User | undefined> =>
    firstUser(
      await db.query<UserRow>(
        `SELECT ${columns} FROM users WHERE id = $1 AND deleted_at IS NULL`,
        [id],
        'users.users.find',
      ),
    ),

  findByEmail: async (email: string): Promise<User | undefined> =>
    firstUser(
      await db.query<UserRow>(
        `SELECT ${columns} FROM users WHERE canonical_email = $1`,
        [canonicalEmail(email)],
        'users.users.find_by_email',
      ),
    ),

  /** In the order of ids, beginning after `after`. */
  list: async (page: { after: number; count: number; email?: string }): Promise<User[]> => {
    const rows = await db.query<UserRow>(
      `SELECT ${columns} FROM users
        WHERE id > $1 AND deleted_at IS NULL AND ($2::text IS NULL OR canonical_email = $2)
        ORDER BY id LIMIT $3`,
      [page.after, page.email === undefined ? null : canonicalEmail(page.email), page.count],
    );
    return rows.map(toUser);
  },
});

const locks = (db: Queryable) => ({
  /** Locks the user: everything that begins, continues or ends a session takes this lock first. */
  lock: async (id: number): Promise<User | undefined> =>
    firstUser(
      await db.query<UserRow>(
        `SELECT ${columns} FROM users WHERE id = $1 AND deleted_at IS NULL FOR NO KEY UPDATE`,
        [id],
        'users.users.lock',
      ),
    ),

  /** Locks the set of admins, before the lock of any user: one transaction at a time can shrink it. */
  lockAdmins: async (): Promise<void> => {
    await db.query('SELECT pg_advisory_xact_lock($1)', [adminsLock]);
  },

  hasOtherAdmin: async (id: number): Promise<boolean> => {
    const rows = await db.query(
      `SELECT 1 FROM users WHERE role = 'admin' AND deleted_at IS NULL AND id <> $1 LIMIT 1`,
      [id],
    );
    return rows.length === 1;
  },
});

const changes = (db: Queryable) => ({
  /** @throws Problem `email_taken`: the unique constraint decides, so that a race cannot pass it */
  insert: async (user: Required<UserChange>): Promise<User> => {
    const { text, values } = insertStatement('users', toColumns(user), columns);
    try {
      return toUser(onlyRow(await db.query<UserRow>(text, values)));
    } catch (error) {
      if (isUniqueViolation(error, 'users_canonical_email_key')) {
        throw new Problem('email_taken', {
          detail: 'A user with this e-mail address already exists. Sign in instead.',
          cause: error,
        });
      }
      throw error;
    }
  },

  update: async (id: number, change: UserChange): Promise<User> => {
    const { text, values } = updateStatement('users', toColumns(change), { id }, columns);
    return toUser(onlyRow(await db.query<UserRow>(text, values)));
  },

  /** Keeps the id, to which bookings refer, and removes everything personal. */
  softDelete: async (id: number): Promise<void> => {
    await db.query(
      `UPDATE users SET email = NULL, canonical_email = NULL, password_hash = NULL,
              deleted_at = clock_timestamp()
        WHERE id = $1`,
      [id],
    );
  },
});
