import type pg from 'pg';

import { codeOf, sqlstate } from './sqlstate.ts';

/** The database role of a service, with the fewest grants. Migrations create it. */
export type ServiceRole = 'mt_catalog' | 'mt_users' | 'mt_bookings';

/** The login cannot take the role, and the migrations have not recorded that it works without one. */
export class RoleRefused extends Error {
  override readonly name = 'RoleRefused';
}

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
 * Sets the service's role on a new connection. The connection stays with the login's own rights only
 * where the migrations recorded that: a missing role must not give the service every right.
 * @returns whether the role was set
 * @throws RoleRefused
 */
export const takeRole = async (client: pg.ClientBase, role: ServiceRole): Promise<boolean> => {
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
