import type pg from 'pg';

import { codeOf, sqlstate } from './sqlstate.ts';

/** The database role of a program, with the fewest grants (migrations/sql/grants). Migrations create it. */
export type ServiceRole = 'mt_catalog' | 'mt_users' | 'mt_bookings' | 'mt_seed' | 'mt_backup';

/** Settings of a session, in PostgreSQL's own units: times are in milliseconds. */
export type SessionSettings = {
  statement_timeout: number;
  lock_timeout: number;
  idle_in_transaction_session_timeout: number;
  enable_seqscan: 'on' | 'off';
  jit: 'on' | 'off';
};

export const standardSettings: SessionSettings = {
  statement_timeout: 10_000,
  lock_timeout: 3_000,
  // A transaction waits for nothing but the database: an idle one has lost its process.
  // Longer than the look-up of a batch in doubt, whose COMMIT may still arrive meanwhile.
  idle_in_transaction_session_timeout: 10_000,
  // A prepared statement keeps the plan of its first executions. While a table is nearly empty reading all
  // of it is the cheapest plan; the same plan reads all of a table that has grown to a million rows since.
  enable_seqscan: 'off',
  // JIT compilation takes longer than any statement of a service.
  jit: 'off',
};

/** Migrations also set these on the logins of a role, so that a connection of such a login starts with them. */
export const sessionSettings: Readonly<Record<ServiceRole, SessionSettings>> = {
  mt_catalog: standardSettings,
  mt_users: standardSettings,
  // A batch waits for the rows of its screenings only: one that waits longer is tried again.
  mt_bookings: { ...standardSettings, lock_timeout: 1_500 },
  // Long enough to wait for another seed, and for PostgreSQL to write a large folder.
  mt_seed: { ...standardSettings, statement_timeout: 600_000, lock_timeout: 600_000 },
  // pg_dump reads every table, as long as it takes, and holds its snapshot meanwhile.
  mt_backup: {
    statement_timeout: 0,
    lock_timeout: 60_000,
    idle_in_transaction_session_timeout: 0,
    enable_seqscan: 'on',
    jit: 'off',
  },
};

/** The logins that migrations create for a role: two, so that one can be replaced while the other is in use. */
export const loginsOf = (role: string): [string, string] => [`${role}_a`, `${role}_b`];

/** The login cannot take the role, and the migrations have not recorded that it works without one. */
export class RoleRefused extends Error {
  override readonly name = 'RoleRefused';
}

/**
 * Changes the settings that differ. A login of the role itself has them all: nothing is changed, so that its
 * sessions may be shared by the clients of a transaction pool. Startup parameters would end there.
 */
const prepare = `
  SELECT
    (SELECT count(set_config(s.name, wanted.value, false))
     FROM jsonb_each_text($1) wanted JOIN pg_settings s ON s.name = wanted.key
     WHERE s.setting <> wanted.value) AS changed,
    EXISTS (
      SELECT FROM pg_auth_members m
      JOIN pg_roles role ON role.oid = m.roleid JOIN pg_roles login ON login.oid = m.member
      WHERE role.rolname = $2 AND login.rolname = session_user AND login.rolname = ANY ($3)
    ) AS is_login_of_role`;

// A superuser can set every role. A record to the contrary was copied with another database.
const findRolelessLogin = `SELECT FROM public.roleless_logins
  WHERE login = session_user::text AND role = $1 AND NOT current_setting('is_superuser')::boolean`;

const unreadable = new Set<string | undefined>([
  sqlstate.undefinedTable,
  sqlstate.invalidSchemaName,
  sqlstate.insufficientPrivilege,
]);

/** SET ROLE fails with these when the role does not exist or is not granted. */
const roleRefused = new Set<string | undefined>([
  sqlstate.invalidParameterValue,
  sqlstate.insufficientPrivilege,
]);

/**
 * Whether the migrations, run with this login, recorded that it cannot set the role. A login that may
 * not read the record, such as a login for one service only, sets its role.
 */
const isRolelessLogin = async (client: pg.ClientBase, role: ServiceRole): Promise<boolean> => {
  try {
    return (await client.query(findRolelessLogin, [role])).rowCount === 1;
  } catch (error) {
    if (unreadable.has(codeOf(error))) return false;
    throw error;
  }
};

/**
 * Gives a new connection its settings and the rights of its role. The connection stays with the login's own
 * rights only if the login is one of the role's, or where the migrations recorded that it cannot set the role:
 * a missing role must not give the service every right.
 * @param role undefined: the rights of the login
 * @returns whether it has the rights of the role and no others
 * @throws RoleRefused
 */
export const prepareSession = async (
  client: pg.ClientBase,
  settings: SessionSettings,
  role: ServiceRole | undefined,
): Promise<boolean> => {
  const logins = role === undefined ? [] : loginsOf(role);
  const { rows } = await client.query<{ is_login_of_role: boolean }>(prepare, [
    JSON.stringify(settings),
    role ?? '',
    logins,
  ]);
  if (role === undefined || rows[0]?.is_login_of_role === true) return true;
  if (await isRolelessLogin(client, role)) return false;
  try {
    await client.query(`SET ROLE ${role}`);
    return true;
  } catch (error) {
    if (!roleRefused.has(codeOf(error))) throw error;
    throw new RoleRefused(
      `the database login cannot take the role ${role} (${(error as Error).message}): run the migrations as this login`,
      { cause: error },
    );
  }
};
