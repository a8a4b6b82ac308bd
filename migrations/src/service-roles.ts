import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { codeOf, sqlstate } from '@movie-ticketing/kit/sqlstate';
import type { Client } from 'pg';
import { MigrationError } from './migration-error.ts';

/** A service's role, and the SQL that grants its rights. */
type ServiceRole = { name: string; grants: string };

/** Services that work as the login itself, and why the login does not take their roles. */
export type RolelessLogin = { login: string; roles: { name: string; why: string }[] };

/** Each file in the folder `grants` is a role. */
const readServiceRoles = (directory: string): ServiceRole[] => {
  const folder = join(directory, 'grants');
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((fileName) => /^[a-z_]+\.sql$/.test(fileName))
    .sort()
    .map((fileName) => ({
      name: fileName.replace(/\.sql$/, ''),
      grants: readFileSync(join(folder, fileName), 'utf8'),
    }));
};

const ignoreErrors = async (codes: string[], work: () => Promise<unknown>): Promise<void> => {
  try {
    await work();
  } catch (error) {
    if (!codes.includes(codeOf(error) ?? '')) throw error;
  }
};

const isTrue = async (client: Client, condition: string, values: unknown[]): Promise<boolean> => {
  const found = await client.query<{ is_true: boolean | null }>(
    `SELECT (${condition}) AS is_true`,
    values,
  );
  return found.rows[0]?.is_true === true;
};

const exists = (client: Client, role: string): Promise<boolean> =>
  isTrue(client, 'EXISTS (SELECT FROM pg_roles WHERE rolname = $1)', [role]);

/**
 * Since PostgreSQL 16 a membership has the option SET: the creator of a role is a member who may grant
 * it but not take it. Before, every member could take a role.
 */
const hasSetOption = (client: Client): Promise<boolean> =>
  isTrue(client, "current_setting('server_version_num')::int >= 160000", []);

/** As the login, because a pool connects as the login, whatever its default role is. */
const maySetRole = async (client: Client, role: string): Promise<boolean> => {
  const privilege = (await hasSetOption(client)) ? 'SET' : 'MEMBER';
  return isTrue(client, 'pg_has_role(session_user, $1::name, $2)', [role, privilege]);
};

/**
 * Creates the role and grants it to the login, if the login has the rights. Outside the transaction of
 * the run: roles belong to the whole server, and a run on another database may create them at the same time.
 * @returns why the login cannot take the role
 */
const createRole = async (client: Client, role: string): Promise<string | undefined> => {
  if (!(await exists(client, role))) {
    await ignoreErrors(
      [sqlstate.insufficientPrivilege, sqlstate.duplicateObject, sqlstate.uniqueViolation],
      () => client.query(`CREATE ROLE ${role} NOLOGIN`),
    );
    if (!(await exists(client, role))) return 'missing, and the login may not create roles';
  }
  if (await maySetRole(client, role)) return undefined;
  const options = (await hasSetOption(client)) ? ' WITH INHERIT FALSE, SET TRUE' : '';
  await ignoreErrors([sqlstate.insufficientPrivilege], () =>
    client.query(`GRANT ${role} TO session_user${options}`),
  );
  return (await maySetRole(client, role)) ? undefined : 'not granted to the login';
};

/** Statements that revoke every right of the role on the login's own relations: the file grants them again. */
const selectRevocations = `
  SELECT format('REVOKE ALL ON %s %s FROM %I',
    CASE c.relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END, c.oid::regclass, r.rolname) AS sql
  FROM pg_class c, pg_roles r
  WHERE r.rolname = $1 AND c.relnamespace = 'public'::regnamespace
    AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND pg_has_role(current_user, c.relowner, 'USAGE')
    AND (EXISTS (SELECT FROM aclexplode(c.relacl) WHERE grantee = r.oid)
      OR EXISTS (SELECT FROM pg_attribute a, aclexplode(a.attacl)
        WHERE a.attrelid = c.oid AND grantee = r.oid))`;

const setGrants = async (client: Client, { name, grants }: ServiceRole): Promise<void> => {
  const revocations = await client.query<{ sql: string }>(selectRevocations, [name]);
  for (const { sql } of revocations.rows) await client.query(sql);
  await client.query(grants);
};

const recordRole = async (client: Client, role: string, isTaken: boolean): Promise<void> => {
  await client.query(
    isTaken
      ? 'DELETE FROM public.roleless_logins WHERE login = session_user AND role = $1'
      : `INSERT INTO public.roleless_logins (login, role) VALUES (session_user, $1)
         ON CONFLICT DO NOTHING`,
    [role],
  );
};

/**
 * Gives every existing service role exactly the rights of its file, and records which roles the login
 * cannot take. In one transaction, so that running services have the old rights or the new ones. A role
 * that the login cannot grant the use of the schema counts as one that cannot be taken.
 */
const setAllGrants = async (
  client: Client,
  roles: ServiceRole[],
  refusals: Map<string, string>,
): Promise<void> => {
  await client.query('BEGIN');
  for (const role of roles) {
    if (await exists(client, role.name)) {
      await setGrants(client, role);
      if (!(await isTrue(client, "has_schema_privilege($1::name, 'public', 'USAGE')", [role.name])))
        refusals.set(role.name, 'without the right to use the schema public');
    }
    await recordRole(client, role.name, !refusals.has(role.name));
  }
  await client.query('COMMIT');
};

/**
 * Runs at the end of every run. A login that cannot create or take the services' roles is not an error:
 * the services then work as that login, and main.ts logs a warning.
 */
export const setServiceRoles = async (
  client: Client,
  directory: string,
): Promise<RolelessLogin | undefined> => {
  const roles = readServiceRoles(directory);
  const refusals = new Map<string, string>();
  for (const { name } of roles) {
    const why = await createRole(client, name);
    if (why !== undefined) refusals.set(name, why);
  }
  try {
    await setAllGrants(client, roles, refusals);
  } catch (error) {
    await client.query('ROLLBACK').catch(() => undefined);
    throw new MigrationError(
      `Setting the rights of the services' roles failed: ${(error as Error).message}. The migrations are applied and the rights are unchanged. Fix the cause, then migrate again.`,
      error,
    );
  }
  if (refusals.size === 0) return undefined;
  const login = await client.query<{ login: string }>('SELECT session_user::text AS login');
  return {
    login: login.rows[0]?.login ?? '',
    roles: [...refusals].map(([name, why]) => ({ name, why })),
  };
};

/** The warning: which services work as the login, why, and where the documentation is. */
export const describeRoleless = ({ login, roles }: RolelessLogin): string => {
  const reasons = [...new Set(roles.map(({ why }) => why))].map((why) => {
    const names = roles.filter((role) => role.why === why).map(({ name }) => name);
    return `${names.join(', ')} (${why})`;
  });
  const services = roles.map(({ name }) => name.replace(/^mt_/, '')).join(', ');
  return `Without roles of their own: ${services} run as the login "${login}" itself, so each has the rights of all. Roles not taken: ${reasons.join('; ')}. For the SQL see docs/configure-the-resource.md, "Roles in an external database".`;
};
