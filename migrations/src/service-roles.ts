import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { codeOf, sqlstate } from '@movie-ticketing/kit/sqlstate';
import type { Client } from 'pg';
import { MigrationError } from './migration-error.ts';

/** A service's role, and the SQL that gives it all that it may have. */
type ServiceRole = { name: string; grants: string };

/** Services that go on as the login itself, and why the login does not take their roles. */
export type RolelessLogin = { login: string; roles: { name: string; why: string }[] };

/** Of the folder `grants`, a file a role. */
function readServiceRoles(directory: string): ServiceRole[] {
  const folder = join(directory, 'grants');
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((fileName) => /^[a-z_]+\.sql$/.test(fileName))
    .sort()
    .map((fileName) => ({
      name: fileName.replace(/\.sql$/, ''),
      grants: readFileSync(join(folder, fileName), 'utf8'),
    }));
}

async function tolerating(codes: string[], work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!codes.includes(codeOf(error) ?? '')) throw error;
  }
}

async function holds(client: Client, condition: string, values: unknown[]): Promise<boolean> {
  const found = await client.query<{ holds: boolean | null }>(
    `select (${condition}) as holds`,
    values,
  );
  return found.rows[0]?.holds === true;
}

const exists = (client: Client, role: string): Promise<boolean> =>
  holds(client, 'exists (select from pg_roles where rolname = $1)', [role]);

/**
 * Until 16 every member could take a role. Since then whoever makes one may administer it and neither
 * take it nor have its rights: a member, and yet SET ROLE is refused.
 */
async function isSinceSetOption(client: Client): Promise<boolean> {
  return holds(client, "current_setting('server_version_num')::int >= 160000", []);
}

/** As a pool will: as the login, whatever role the login has by default. */
async function maySetRole(client: Client, role: string): Promise<boolean> {
  const privilege = (await isSinceSetOption(client)) ? 'SET' : 'MEMBER';
  return holds(client, 'pg_has_role(session_user, $1::name, $2)', [role, privilege]);
}

/**
 * Makes the role and lets the login take it, as far as the login may; else why it does not. Not in the
 * run's transaction: roles belong to the whole server, and another database's run may make them now.
 */
async function provide(client: Client, role: string): Promise<string | undefined> {
  if (!(await exists(client, role))) {
    await tolerating(
      [sqlstate.insufficientPrivilege, sqlstate.duplicateObject, sqlstate.uniqueViolation],
      () => client.query(`create role ${role} nologin`),
    );
    if (!(await exists(client, role))) return 'missing, and the login may not create roles';
  }
  if (await maySetRole(client, role)) return undefined;
  const options = (await isSinceSetOption(client)) ? ' with inherit false, set true' : '';
  await tolerating([sqlstate.insufficientPrivilege], () =>
    client.query(`grant ${role} to session_user${options}`),
  );
  return (await maySetRole(client, role)) ? undefined : 'not granted to the login';
}

/** What the role has of the login's own relations, to be taken away: rights are those of its file alone. */
const REVOCATIONS = `
  select format('revoke all on %s %s from %I',
    case c.relkind when 'S' then 'sequence' else 'table' end, c.oid::regclass, r.rolname) as sql
  from pg_class c, pg_roles r
  where r.rolname = $1 and c.relnamespace = 'public'::regnamespace
    and c.relkind in ('r', 'p', 'v', 'm', 'f', 'S') and pg_has_role(current_user, c.relowner, 'USAGE')
    and (exists (select from aclexplode(c.relacl) where grantee = r.oid)
      or exists (select from pg_attribute a, aclexplode(a.attacl)
        where a.attrelid = c.oid and grantee = r.oid))`;

async function setGrants(client: Client, { name, grants }: ServiceRole): Promise<void> {
  const revocations = await client.query<{ sql: string }>(REVOCATIONS, [name]);
  for (const { sql } of revocations.rows) await client.query(sql);
  await client.query(grants);
}

async function record(client: Client, role: string, takes: boolean): Promise<void> {
  await client.query(
    takes
      ? 'delete from public.roleless_logins where login = session_user and role = $1'
      : `insert into public.roleless_logins (login, role) values (session_user, $1)
         on conflict do nothing`,
    [role],
  );
}

/**
 * Gives every service's role that there is the rights of its file, no more and no fewer, and records
 * which roles the login cannot take. All at once at the end, so that whatever serves meanwhile has its
 * old rights or its new ones. A role without grants would be worse than none: where the login may not let
 * it into the schema, it counts as one that cannot be taken.
 */
async function setAllGrants(
  client: Client,
  roles: ServiceRole[],
  refusals: Map<string, string>,
): Promise<void> {
  await client.query('begin');
  for (const role of roles) {
    if (await exists(client, role.name)) {
      await setGrants(client, role);
      if (!(await holds(client, "has_schema_privilege($1::name, 'public', 'USAGE')", [role.name])))
        refusals.set(role.name, 'without the right to use the schema public');
    }
    await record(client, role.name, !refusals.has(role.name));
  }
  await client.query('commit');
}

/**
 * At the end of every run. A login that may not make or take the services' roles is no error: the services
 * then run as that login, which the caller logs.
 */
export async function setServiceRoles(
  client: Client,
  directory: string,
): Promise<RolelessLogin | undefined> {
  const roles = readServiceRoles(directory);
  const refusals = new Map<string, string>();
  for (const { name } of roles) {
    const why = await provide(client, name);
    if (why !== undefined) refusals.set(name, why);
  }
  try {
    await setAllGrants(client, roles, refusals);
  } catch (error) {
    await client.query('rollback').catch(() => undefined);
    throw new MigrationError(
      `Setting the rights of the services' roles failed: ${(error as Error).message}. The migrations are applied, the rights are as they were. Put the cause right and run it again.`,
      error,
    );
  }
  if (refusals.size === 0) return undefined;
  const login = await client.query<{ login: string }>('select session_user::text as login');
  return {
    login: login.rows[0]?.login ?? '',
    roles: [...refusals].map(([name, why]) => ({ name, why })),
  };
}

/** For people: who runs as what, why, and where to read on. */
export function describeRoleless({ login, roles }: RolelessLogin): string {
  const reasons = [...new Set(roles.map(({ why }) => why))].map((why) => {
    const names = roles.filter((role) => role.why === why).map(({ name }) => name);
    return `${names.join(', ')} (${why})`;
  });
  const services = roles.map(({ name }) => name.replace(/^mt_/, '')).join(', ');
  return `Without roles of their own: ${services} run as the login "${login}" itself, so that each could do what the others may. Not taken: ${reasons.join('; ')}. docs/operate.md, "Roles in a database of your own", has the SQL.`;
}
