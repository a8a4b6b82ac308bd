import type pg from 'pg';

/** The role of a service: it has the fewest rights that the service needs. Migrations make them. */
export type ServiceRole = 'mt_catalog' | 'mt_users' | 'mt_bookings';

/** The connection's login cannot take the role, and the migrations have not found it unable to. */
export class RoleRefused extends Error {
  override readonly name = 'RoleRefused';
}

// A superuser can take any role that there is: a record that says otherwise came with another database's copy.
const asItself = `SELECT FROM public.roleless_logins
  WHERE login = session_user::text AND role = $1 AND NOT current_setting('is_superuser')::boolean`;

const codeOf = (error: unknown): unknown => (error as { code?: unknown }).code;

const undefinedTable = '42P01';
const invalidSchema = '3F000';
const insufficientPrivilege = '42501';
/** Of SET ROLE: there is no such role. */
const invalidParameter = '22023';

/**
 * Whether the migrations, run as this very login, found that it cannot take the role. A login that may
 * not read that, such as one of the service's own, has its role to take.
 */
const goesAsItself = async (client: pg.ClientBase, role: ServiceRole): Promise<boolean> => {
  try {
    return (await client.query(asItself, [role])).rowCount === 1;
  } catch (error) {
    const unknown: unknown[] = [undefinedTable, invalidSchema, insufficientPrivilege];
    if (unknown.includes(codeOf(error))) return false;
    throw error;
  }
};

/**
 * Makes a new connection the service's: it takes the role. It goes on as the login only where the
 * migrations have recorded that, for a role that is missing must not end in a service with every right.
 * @returns whether it took the role
 * @throws RoleRefused
 */
export const takeRole = async (client: pg.ClientBase, role: ServiceRole): Promise<boolean> => {
  if (await goesAsItself(client, role)) return false;
  try {
    await client.query(`SET ROLE ${role}`);
    return true;
  } catch (error) {
    if (codeOf(error) !== invalidParameter && codeOf(error) !== insufficientPrivilege) throw error;
    throw new RoleRefused(
      `the database login cannot take the role ${role} (${(error as Error).message}): run the migrations as this login`,
      { cause: error },
    );
  }
};
